/** What a configuration says of the sources of members, compiled by `plan/compile/discover-plans.ts`: plain data. */
import type { HostAddress } from '../base/address.js'
import type { SourceName } from '../base/source-names.js'

/** Of one pool. */
export interface DiscoverPlan {
  /** Its name in logs and in the state file. */
  readonly pool: string
  /** Limit of members, those included that only have old sessions. */
  readonly slots: number
  /** An answer that would remove a larger part of the members has to be confirmed: 0.5 is half of them. */
  readonly maxRemoved: number
  readonly source: SourcePlan
}

export type SourcePlan = DnsPlan | SrvPlan | FilePlan | HttpPlan | EtcdPlan | ConsulPlan | KubernetesPlan

export type SourcePlanOf<N extends SourceName> = Extract<SourcePlan, { readonly type: N }>

/** How DNS is asked. */
export interface DnsClientPlan {
  /** Empty: those of /etc/resolv.conf. */
  readonly servers: readonly HostAddress[]
  /** Limit of one query to one server. */
  readonly timeoutMs: number
  /** How often each server is asked at most. */
  readonly tries: number
}

/** Families of addresses that count. */
export type DnsFamily = 'any' | 'ipv4' | 'ipv6'

/** What names are asked for, and how often. */
interface DnsNamePlan extends DnsClientPlan {
  /** Absolute, in lower case, without the final dot. */
  readonly name: string
  readonly family: DnsFamily
  /** Bounds of the TTL. */
  readonly minIntervalMs: number
  readonly maxIntervalMs: number
}

export interface DnsPlan extends DnsNamePlan {
  readonly type: 'dns'
  readonly port: number
}

export interface SrvPlan extends DnsNamePlan {
  readonly type: 'srv'
}

export interface FilePlan {
  readonly type: 'file'
  readonly path: string
  /** Time between two readings. */
  readonly intervalMs: number
}

/** How a server is asked, for the sources that speak JSON over HTTP. Files are read again for each connection. */
export interface AskingPlan {
  /** Limit of one request; of a watch until the answer begins. */
  readonly timeoutMs: number
  /** Authorities in PEM; undefined: those of Node. */
  readonly caFile: string | undefined
  /** The certificate of the client and its key, in PEM. */
  readonly certFile: string | undefined
  readonly keyFile: string | undefined
}

export interface HttpPlan extends AskingPlan {
  readonly type: 'http'
  readonly url: string
  readonly intervalMs: number
  /** Names with values. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** A bearer token is its first line. */
  readonly tokenFile: string | undefined
}

export interface EtcdPlan extends AskingPlan {
  readonly type: 'etcd'
  /** `http://10.0.0.1:2379`; at least one. */
  readonly endpoints: readonly string[]
  /** Not empty. */
  readonly prefix: string
  readonly user: string | undefined
  /** The password is its first line. */
  readonly passwordFile: string | undefined
  /** All keys are read again so often, although the watch has reported nothing. */
  readonly intervalMs: number
}

export interface ConsulPlan extends AskingPlan {
  readonly type: 'consul'
  readonly url: string
  readonly service: string
  readonly tag: string | undefined
  readonly datacenter: string | undefined
  readonly tokenFile: string | undefined
  /** How long Consul holds a query back while nothing changes. */
  readonly waitMs: number
}

export interface KubernetesPlan extends AskingPlan {
  readonly type: 'kubernetes'
  /** Undefined: of the cluster in which this program runs, with its service account. */
  readonly url: string | undefined
  readonly tokenFile: string | undefined
  /** Undefined: that of the service account. */
  readonly namespace: string | undefined
  readonly service: string
  /** Name or number of the port; undefined: the only one. */
  readonly port: string | number | undefined
  /** All slices are listed again so often, although the watch has reported nothing. */
  readonly intervalMs: number
}
