/** Facts of clients, for tests of routes. */
import { NO_LISTENER, type RouteCertificate, type RouteFacts } from '../../src/admission/route-facts.js'
import { hostBytes } from '../../src/base/address.js'

/** The facts of one client as values. */
export interface GivenFacts {
  readonly listenerSlot?: number
  readonly localPort?: number
  readonly realm?: string
  /** Undefined: a client of a Unix socket. */
  readonly client?: string | undefined
  readonly addressHash?: number
  readonly serverName?: string
  readonly alpn?: readonly string[]
  readonly protocol?: string
  readonly tlsVersion?: string
  readonly certificate?: GivenCertificate | undefined
  readonly user?: string
}

export interface GivenCertificate {
  readonly subject?: string
  readonly issuer?: string
  readonly alternativeNames?: readonly string[]
  readonly fingerprint?: string
}

export function factsOf(given: GivenFacts): RouteFacts {
  const address = given.client === undefined ? new Uint8Array() : hostBytes(given.client)
  const certificate = given.certificate && certificateOf(given.certificate)
  const { alpn = [] } = given
  return {
    listenerSlot: given.listenerSlot ?? NO_LISTENER,
    localPort: given.localPort ?? 0,
    realm: given.realm ?? '',
    address,
    addressAt: 0,
    addressByteCount: address.length,
    addressHash: () => given.addressHash ?? 0,
    serverName: () => given.serverName ?? '',
    alpn: () => alpn,
    protocol: () => given.protocol ?? '',
    tlsVersion: () => given.tlsVersion ?? '',
    certificate: () => certificate,
    user: () => given.user ?? '',
  }
}

/** A client of a Unix socket of which nothing has been read. */
export const NOTHING_KNOWN: RouteFacts = factsOf({})

function certificateOf(given: GivenCertificate): RouteCertificate {
  const { alternativeNames = [], fingerprint = '', issuer = '', subject = '' } = given
  return { subject, issuer, alternativeNames, fingerprint: () => fingerprint }
}

/** Facts that count how often one of them is read. */
export function countedFacts(given: GivenFacts): { readonly facts: RouteFacts; reads: number } {
  const counted = {
    reads: 0,
    facts: new Proxy(factsOf(given), {
      get(target, key, receiver) {
        counted.reads += 1
        return Reflect.get(target, key, receiver)
      },
    }),
  }
  return counted
}
