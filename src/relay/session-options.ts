/** Settings of sessions, as plain data: directives that each pool may have for itself, and most of them each listener. */
import type { KeepAlive } from '../kernel/keepalive.js'
import { unmap } from '../kernel/memory.js'
import type { NativeAddress } from '../kernel/sockaddr.js'
import type { ClientSource } from './opening/client-source.js'
import type { SessionLimits } from './session-limits.js'
import { SPLICE_POLICIES, type SplicePolicy } from './transfer/splice-policies.js'

/** A session has those of its pool, with what its listener overrides, from the phase `dialling` on. */
export interface SessionOptions {
  /** Time limit for one attempt to connect to one address. */
  readonly connectTimeoutMs: number
  /** Time limit for all attempts for one client. */
  readonly dialTimeoutMs: number
  /** Time limit for waiting while all remotes are full. */
  readonly queueTimeoutMs: number
  /** Further rounds over all remotes after a failed first round. */
  readonly dialRetries: number
  /** Most attempts for one client, in all rounds. Infinity: no limit. */
  readonly attemptsMax: number
  /** Maximum silence in both directions. Infinity: no limit. */
  readonly idleTimeoutMs: number
  /** Maximum silence after one direction has ended. Infinity: as before, but not towards SCTP (`HELD_END_MS`). */
  readonly halfCloseTimeoutMs: number
  readonly keepAlive: KeepAlive
  readonly splice: SplicePolicy
  /** Undefined: bytes and times are not limited. Those of a listener are added (`bothLimits`). */
  readonly limits: SessionLimits | undefined
  /** Source address of connections to remotes. */
  readonly localAddress: NativeAddress | undefined
  /** Set if connections to remotes use their client's source address. */
  readonly clientSource: ClientSource | undefined
  /** Range of source ports in the format of IP_LOCAL_PORT_RANGE. Zero: the system's. */
  readonly localPorts: number
}

/** What the listener of a client overrides. */
export type OptionOverrides = Partial<SessionOptions>

/** Frees the native memory of options. */
export function closeOptions({ clientSource, localAddress }: OptionOverrides): void {
  if (localAddress !== undefined) unmap(localAddress.region)
  clientSource?.close()
}

/** What holds where a configuration says nothing; tests begin with them too. */
export const DEFAULT_SESSION_OPTIONS: SessionOptions = {
  connectTimeoutMs: 10_000,
  dialTimeoutMs: 30_000,
  queueTimeoutMs: 10_000,
  dialRetries: 3,
  attemptsMax: Number.POSITIVE_INFINITY,
  idleTimeoutMs: Number.POSITIVE_INFINITY,
  halfCloseTimeoutMs: Number.POSITIVE_INFINITY,
  keepAlive: { isOn: true, idleS: 0, intervalS: 0, count: 0 },
  splice: SPLICE_POLICIES.auto,
  limits: undefined,
  localAddress: undefined,
  clientSource: undefined,
  localPorts: 0,
}
