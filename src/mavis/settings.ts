import type { AskedAbout } from '../base/authorization.js'
import type { ByteString } from '../base/byte-string.js'
import type { Position } from '../base/problem.js'
import type { Script } from './script.js'

/** The directives `mavis …` of section `tcprelay`. */
export interface MavisSettings {
  readonly authorization: AskedAbout | 'none'
  /** For who is not found, and when all modules are down. */
  readonly fallback: 'permit' | 'deny'
  /** For all modules together. */
  readonly timeoutMs: number
  /** How long an answer holds for the same question. Zero: it is asked again. */
  readonly cacheTimeoutMs: number
  /** One of them is needed; empty: none. */
  readonly members: readonly ByteString[]
  readonly modules: readonly ModuleSettings[]
}

/** What every module has. */
export interface CommonModuleSettings {
  /** Its name, or its place in the chain: '0', '1', … */
  readonly name: string
  readonly position: Position
  /** Of an answer that is an error. */
  readonly onError: 'continue' | 'reject'
  readonly onNotFound: 'continue' | 'reject'
  readonly scriptIn: Script | undefined
  readonly scriptInterim: Script | undefined
  readonly scriptOut: Script | undefined
}

export type ModuleSettings = CommonModuleSettings &
  (
    | ExternalSettings
    | ExternalMtSettings
    | RemoteModuleSettings
    | CacheSettings
    | LimitSettings
    | GroupsSettings
    | TeeSettings
    | AuthSettings
    | ErrorSettings
    | { readonly module: 'log' }
    | { readonly module: 'null' }
  )

/** The program of a helper. */
export interface HelperProgram {
  readonly path: string
  /** argv, the first one included. */
  readonly words: readonly string[]
  /** If there are any, the helper's whole environment; else it has ours. */
  readonly environment: ReadonlyMap<string, string>
}

export interface ExternalSettings {
  readonly module: 'external'
  readonly program: HelperProgram
  readonly childrenMin: number
  readonly childrenMax: number
  readonly home: string | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
  /** For one answer; the helper that does not keep it is killed. */
  readonly timeoutMs: number | undefined
}

export interface ExternalMtSettings {
  readonly module: 'external-mt'
  readonly program: HelperProgram
  readonly timeoutMs: number | undefined
}

export interface RemoteModuleSettings {
  readonly module: 'remote'
  readonly servers: readonly MavisServer[]
  /** Where datagrams come from: an IP address. */
  readonly localAddress: string | undefined
  /** Until a datagram is sent again. */
  readonly timeoutMs: number
  /** Datagrams for one question. */
  readonly tries: number
  /** Questions after which servers that have failed are asked again. Zero: never. */
  readonly rebalance: number
}

export interface MavisServer {
  readonly target:
    | { readonly kind: 'udp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string }
  /** Of Blowfish. */
  readonly key: Uint8Array | undefined
}

export interface CacheSettings {
  readonly module: 'cache'
  /** By TYPE ('TACPLUS', 'FTP'); without an entry nothing of it is kept. */
  readonly expireMs: ReadonlyMap<string, number>
  readonly purgePeriodMs: number
}

export interface LimitSettings {
  readonly module: 'limit'
  /** Refusals. Zero: nobody is blacklisted. */
  readonly count: number
  readonly timeMs: number
  readonly purgePeriodMs: number
}

export interface GroupsSettings {
  readonly module: 'groups'
  readonly resolveGid: boolean
  readonly resolveGids: boolean
  /** Numbers of the attributes that names are put into. */
  readonly gidAttribute: number
  readonly gidsAttribute: number
  readonly gidFilter: readonly IdFilter[]
  readonly gidsFilter: readonly IdFilter[]
  readonly groupFilter: readonly NameFilter[]
  readonly groupsFilter: readonly NameFilter[]
  readonly memberOfFilter: readonly NameFilter[]
}

/** `[not] N[-M]` */
export interface IdFilter {
  readonly isNegated: boolean
  readonly from: number
  readonly to: number
}

/** `[not] REGEX` */
export interface NameFilter {
  readonly isNegated: boolean
  readonly pattern: RegExp
}

export interface TeeSettings {
  readonly module: 'tee'
  readonly pathIn: string | undefined
  readonly pathOut: string | undefined
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
}

export interface AuthSettings {
  readonly module: 'auth'
  /** `password`: PASSWORD against DBPASSWORD; else the certificate's subject is needed, or is enough. */
  readonly mode: 'password' | 'cert-required' | 'cert-sufficient'
}

export interface ErrorSettings {
  readonly module: 'error'
  readonly file: string | undefined
  readonly threshold: number
}
