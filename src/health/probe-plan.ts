/**
 * What a configuration says of the health checks of a remote, compiled by `plan/compile/probe-plans.ts`: plain data.
 * Start reading this folder here: `prober.ts` runs the checks at their times, `probe-session.ts` is one of them,
 * `types/` has a file for each type.
 */
import type { SocketAddress } from '../base/address.js'
import type { StarttlsPlan } from '../wire/starttls/client-opening.js'
import type { ProbeAdvice, ProbeCheck } from './probe-checks.js'
import type { ProbeTls } from './probe-tls.js'

export interface ProbePlan {
  readonly check: ProbeCheck
  /** Time between the begins of two checks: of a remote whose state is settled and up, changing, or settled and down. */
  readonly intervalMs: number
  readonly fastIntervalMs: number
  readonly downIntervalMs: number
  /** Of each time the part by which it varies at random: 0.1 is from 10 % less to 10 % more. */
  readonly jitter: number
  /** Limit of one check. */
  readonly timeoutMs: number
  /** Successes in a row that end an outage, and failures in a row that begin one. At least 1. */
  readonly rise: number
  readonly fall: number
  /** The header that says that the connection is not for a client; undefined: none. */
  readonly sendProxy: 'v1' | 'v2' | undefined
  /** How TLS begins in the plain; undefined: with the connection, or there is none. */
  readonly starttls?: StarttlsPlan | undefined
  /** Instead of that of the remote. */
  readonly address: SocketAddress | undefined
  /** Instead of the remote's. */
  readonly port: number | undefined
  /** `id` of its TLS settings; undefined: none. */
  readonly tls?: string | undefined
}

/** A remote with its check, as the generation in force has it. */
export interface ProbedRemote {
  /** Its identity over reloads, as in logs. */
  readonly name: string
  readonly plan: ProbePlan
  /** Those of `plan.tls`. */
  readonly tls?: ProbeTls | undefined
  /** Where the check connects to; none while its name has no address. Asked before each check. */
  addresses(): readonly SocketAddress[]
}

/** The result of one check. */
export interface ProbeResult {
  readonly isUp: boolean
  /** What was found, or why it failed: part of a log line. '' if there is nothing to say. */
  readonly text: string
  /** When it began, CLOCK_MONOTONIC. */
  readonly startedMs: number
  readonly latencyMs: number
  /** Something that is right now and will not be for long; logged when it changes. */
  readonly warning: string | undefined
  /** What the remote wants; undefined: nothing else than before. */
  readonly advice: ProbeAdvice | undefined
}
