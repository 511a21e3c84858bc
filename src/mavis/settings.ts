/** Types of the settings of MAVIS and its modules. */
import type { AskedAbout } from '../base/authorization.js'
import type { ByteString } from '../base/byte-string.js'
import type { Position } from '../base/problem.js'
import type { Script } from './script.js'

/** Settings of MAVIS: the `mavis …` directives of section `tcprelay`, and those of each module. */
export interface MavisSettings {
  readonly authorization: AskedAbout | 'none'
  /** For clients that no module finds, and when all modules answer DOWN. */
  readonly fallback: 'permit' | 'deny'
  /** Time limit of a query, for all modules together. */
  readonly timeoutMs: number
  /** How long verdicts are cached; zero: not at all. */
  readonly cacheTimeoutMs: number
  /** `mavis require member`: a client must be in one of these groups; empty: no group is required. */
  readonly members: readonly ByteString[]
  readonly modules: readonly ModuleSettings[]
}

/** Settings that every module has. */
export interface CommonModuleSettings {
  /** The configured name, or its index in the chain: '0', '1', … */
  readonly name: string
  readonly position: Position
  /** `action error`: for an answer with RESULT ERR. */
  readonly onError: 'continue' | 'reject'
  /** `action not-found`: for an answer with RESULT NFD. */
  readonly onNotFound: 'continue' | 'reject'
  /**
   * Run on the way down, before the module is asked; then when a final answer comes up, before the module
   * reviews it; and when the query leaves the module upwards.
   */
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
  /** argv, including argv[0]. */
  readonly words: readonly string[]
  /** The helper's whole environment; empty: it inherits ours. */
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
  /** Time limit for one answer; a helper that exceeds it is killed. */
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
  /** Source IP address of datagrams. */
  readonly localAddress: string | undefined
  /** Time until a datagram is sent again. */
  readonly timeoutMs: number
  /** Datagrams for one query, in all. */
  readonly tries: number
  /** After so many queries failed servers are asked again; zero: never. */
  readonly rebalance: number
}

export interface MavisServer {
  readonly target:
    | { readonly kind: 'udp'; readonly host: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string }
  /** Blowfish key. */
  readonly key: Uint8Array | undefined
}

export interface CacheSettings {
  readonly module: 'cache'
  /** By TYPE ('TACPLUS', 'FTP'); a TYPE without an entry is not cached. */
  readonly expireMs: ReadonlyMap<string, number>
  readonly purgePeriodMs: number
}

export interface LimitSettings {
  readonly module: 'limit'
  /** Denials after which an address is blacklisted; zero: never. */
  readonly count: number
  /** How long a denial counts. */
  readonly timeMs: number
  readonly purgePeriodMs: number
}

export interface GroupsSettings {
  readonly module: 'groups'
  readonly resolveGid: boolean
  readonly resolveGids: boolean
  /** Numbers of the attributes that receive the names. */
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
  /** Mode and owner of files that the module creates. */
  readonly mode: number
  readonly uid: number | undefined
  readonly gid: number | undefined
}

export interface AuthSettings {
  readonly module: 'auth'
  /** `password`: PASSWORD must match DBPASSWORD; otherwise the certificate's subject must match too, or is sufficient. */
  readonly mode: 'password' | 'cert-required' | 'cert-sufficient'
}

export interface ErrorSettings {
  readonly module: 'error'
  readonly file: string | undefined
  readonly threshold: number
}
