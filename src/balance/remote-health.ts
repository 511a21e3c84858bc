/**
 * What one worker knows of each remote, one field per fact: reachability, verdict and admin state come from the head,
 * back-off from this worker's own attempts. Pure: time is an argument.
 */
import { EXCLUDED } from '../base/verdict.js'
import { BackOff } from './back-off.js'
import { NONE } from './policy.js'
import { RandomSource } from './random-source.js'
import { NOT_SKIPPED, SKIP } from './skip-reason.js'

/** How the outcome of an attempt changed the health of its remote. */
export type HealthChange = 'went-down' | 'came-up' | undefined

/** Set by an operator. `drain`: no new clients, only those that it had before. `maint`: as if the remote did not exist. */
export type AdminState = 'ready' | 'drain' | 'maint'

const ADMIN_STATES: readonly AdminState[] = ['ready', 'drain', 'maint']
const DRAIN = ADMIN_STATES.indexOf('drain')
const MAINT = ADMIN_STATES.indexOf('maint')

/** Rows of the cells, by slot. */
export interface SharedHealth {
  readonly backOffUntilMs: Float64Array
  readonly verdict: ArrayLike<number>
  readonly upAtMs: ArrayLike<number>
}

export class RemoteHealth {
  /** Remotes by slot: 0 to `count` - 1. */
  readonly count: number
  /** 1: its name has an address. A remote without one is not down but absent. */
  readonly #isReachable: Uint8Array
  /** The head's verdict: UP, DOWN or EXCLUDED of base/verdict.ts. In shared memory. */
  readonly verdict: ArrayLike<number>
  /** When its last outage ended, CLOCK_MONOTONIC; 0: it has not had one. In shared memory. */
  readonly #upAtMs: ArrayLike<number>
  /** Index in ADMIN_STATES. */
  readonly #adminState: Uint8Array
  /** When its time to drain is over, CLOCK_MONOTONIC; Infinity: it does not drain, or has no deadline. */
  readonly #drainedAtMs: Float64Array
  /** Failed attempts since the last success. */
  readonly #failures: Int32Array
  /** When the last failure was counted: attempts started before it are not counted again. */
  readonly #failedAtMs: Float64Array
  /** End of the back-off, CLOCK_MONOTONIC; 0: none. In shared memory; this worker is the only writer. */
  readonly #backOffUntilMs: Float64Array
  readonly #backOff: BackOff

  constructor(
    count: number,
    shared: Partial<SharedHealth> = {},
    backOff = new BackOff([], new RandomSource(0)),
  ) {
    const { backOffUntilMs = new Float64Array(count), upAtMs = new Float64Array(count) } = shared
    this.count = count
    this.verdict = shared.verdict ?? new Int32Array(count)
    this.#upAtMs = upAtMs
    this.#isReachable = new Uint8Array(count).fill(1)
    this.#adminState = new Uint8Array(count)
    this.#drainedAtMs = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
    this.#failures = new Int32Array(count)
    this.#failedAtMs = new Float64Array(count).fill(-1)
    this.#backOffUntilMs = backOffUntilMs
    this.#backOff = backOff
  }

  /** Whether it may get a client now. */
  isUsable(slot: number, nowMs: number): boolean {
    return this.mayTry(slot) && this.#isUp(slot, nowMs)
  }

  /** Whether it may get a client that it had before: it may be draining, until its deadline. */
  mayKeep(slot: number, nowMs: number): boolean {
    if (this.#isReachable[slot] === 0 || this.#adminState[slot] === MAINT) return false
    return !this.isDrained(slot, nowMs) && this.#isUp(slot, nowMs)
  }

  /** Why it may not get a client now, as SKIP says; NOT_SKIPPED if it may. */
  whySkipped(slot: number, nowMs: number): number {
    if (this.#isReachable[slot] === 0) return SKIP['no-address']
    const adminState = this.#adminState[slot] as number
    if (adminState !== 0) return adminState === DRAIN ? SKIP.drain : SKIP.maint
    if (this.verdict[slot] === EXCLUDED) return SKIP.down
    return this.#isBackingOff(slot, nowMs) ? SKIP['backing-off'] : NOT_SKIPPED
  }

  /** Whether it may get a client that has tried all others: back-off is ignored. */
  mayTry(slot: number): boolean {
    return this.#isReachable[slot] === 1 && this.#adminState[slot] === 0 && this.verdict[slot] !== EXCLUDED
  }

  /** Whether its last attempt failed. */
  isFailing(slot: number): boolean {
    return this.#failures[slot] !== 0
  }

  backOffUntilMs(slot: number): number {
    return this.#backOffUntilMs[slot] as number
  }

  /** One client retries a failing remote; others skip it until the outcome is known or the back-off expires. */
  beginProbe(slot: number, nowMs: number): void {
    this.#backOffUntilMs[slot] = nowMs + this.#backOff.timeMs(slot, this.#failures[slot] as number)
  }

  /** Records the failure of an attempt that started at `startedMs`. */
  failed(slot: number, startedMs: number, nowMs: number): HealthChange {
    // If the remote has lost its addresses meanwhile, the attempt is no evidence.
    if (this.#isReachable[slot] === 0 || startedMs <= (this.#failedAtMs[slot] as number)) return undefined
    const wasFailing = this.isFailing(slot)
    this.#failedAtMs[slot] = nowMs
    const failures = (this.#failures[slot] as number) + 1
    this.#failures[slot] = failures
    this.#backOffUntilMs[slot] = nowMs + this.#backOff.timeMs(slot, failures)
    return wasFailing ? undefined : 'went-down'
  }

  succeeded(slot: number): HealthChange {
    if (!this.isFailing(slot)) return undefined
    this.#clearFailures(slot)
    return 'came-up'
  }

  /** Ends the back-off; the remote still counts as failing until an attempt succeeds. */
  endBackOff(slot: number): void {
    this.#backOffUntilMs[slot] = 0
  }

  setReachable(slot: number, isReachable: boolean): void {
    this.#isReachable[slot] = isReachable ? 1 : 0
    this.#clearFailures(slot)
  }

  /**
   * Takes over the failures seen under an older configuration, so that a reload does not send clients to remotes
   * known to be down. `slots`: by slot here, the slot there, or NONE.
   */
  continueFrom(before: RemoteHealth, slots: readonly number[]): void {
    for (const [slot, there] of slots.entries()) {
      if (there === NONE || !this.mayTry(slot) || !before.mayTry(there)) continue
      this.#failures[slot] = before.#failures[there] as number
      this.#failedAtMs[slot] = before.#failedAtMs[there] as number
      this.#backOffUntilMs[slot] = before.#backOffUntilMs[there] as number
    }
  }

  /** `drainedAtMs`: when its sessions should have ended. */
  setAdminState(slot: number, state: AdminState, drainedAtMs = Number.POSITIVE_INFINITY): void {
    this.#adminState[slot] = ADMIN_STATES.indexOf(state)
    this.#drainedAtMs[slot] = state === 'ready' ? Number.POSITIVE_INFINITY : drainedAtMs
  }

  /** Whether its time to drain was over at this time. */
  isDrained(slot: number, atMs: number): boolean {
    return (this.#drainedAtMs[slot] as number) <= atMs
  }

  #isUp(slot: number, nowMs: number): boolean {
    return this.verdict[slot] !== EXCLUDED && !this.#isBackingOff(slot, nowMs)
  }

  /** A failure from before the end of the last outage does not count: the head has seen the remote serve since. */
  #isBackingOff(slot: number, nowMs: number): boolean {
    if ((this.#backOffUntilMs[slot] as number) <= nowMs) return false
    return (this.#failedAtMs[slot] as number) >= (this.#upAtMs[slot] as number)
  }

  #clearFailures(slot: number): void {
    this.#failures[slot] = 0
    this.#backOffUntilMs[slot] = 0
  }
}
