/**
 * Limits as plain data, which crosses threads and the link. A limit applies to the clients of its scope, and counts them
 * by its key.
 */
import type { BanCause, LimitAction } from '../base/limit-words.js'
import type { RulePlace } from './rule-name.js'

/** What the clients are counted by. A client without it is not limited. */
export type LimitKeyPlan =
  /** The address, cut to so many bits. */
  | { readonly by: 'source'; readonly ipv4Bits: number; readonly ipv6Bits: number }
  | { readonly by: 'all' | 'listener' | 'pool' | 'server-name' | 'certificate' }

/** `session`: every session is limited for itself, so there is nothing to count. */
export type LimitPer = LimitKeyPlan | { readonly by: 'session' }

/** Whose clients are limited. */
export type LimitScope =
  | { readonly of: 'section' }
  /** `block`: `ListenerPlan.block`. */
  | { readonly of: 'listener'; readonly block: number }
  /** `pool`: the index of the pool. */
  | { readonly of: 'pool'; readonly pool: number }

/** A token bucket: it is full with `burst` tokens, and gets `count` of them in each `withinMs`. */
export interface RatePlan {
  readonly count: number
  readonly withinMs: number
  readonly burst: number
}

/** A key with `after` rejections of these kinds within `withinMs` is rejected for `forMs`. */
export interface BanPlan {
  readonly causes: readonly BanCause[]
  readonly after: number
  readonly withinMs: number
  readonly forMs: number
}

/** Bytes per second of all sessions of a key, of all workers. Infinity: no limit. */
export interface ByteRatesPlan {
  /** From clients to remotes. */
  readonly inPerS: number
  readonly outPerS: number
}

export interface LimitPlan {
  /** Unique; after a reload the table of the same name continues. */
  readonly name: string
  /** Its place in the configuration, for messages. */
  readonly position: RulePlace
  readonly scope: LimitScope
  readonly key: LimitKeyPlan
  /** Concurrent sessions of a key, of all workers. Infinity: no limit. */
  readonly connections: number
  /** New connections of a key, of all workers. Undefined: no limit. */
  readonly rate: RatePlan | undefined
  /** Undefined: bytes are not limited. */
  readonly bytes?: ByteRatesPlan | undefined
  readonly action: LimitAction
  /** How long a client waits (`queue`) or is held (`tarpit`). */
  readonly holdMs: number
  /** Limit of clients that wait or are held, in each worker. */
  readonly heldMax: number
  /** Keys that the table has room for. */
  readonly entries: number
  readonly ban: BanPlan | undefined
}
