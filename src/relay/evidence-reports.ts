/** Sends what sessions see of remotes to the head, no more of it than the head needs to judge. */
import type { FailAfter } from '../base/fail-after.js'
import { EXCLUDED, UP } from '../base/verdict.js'
import type { RemoteEvidence } from '../observe/remote-evidence.js'

/** Minimum time between two reports about one remote: many sessions see the same outage. */
const REPORT_EVERY_MS = 100

/** A remote as the head knows it. */
export interface ReportedRemote {
  readonly name: string
  readonly healthName?: string | undefined
  readonly failAfter?: FailAfter | undefined
}

export class EvidenceReports {
  readonly #remotes: readonly ReportedRemote[]
  /** By slot. */
  readonly #names: string[]
  /** By slot, written by the head. */
  readonly #verdict: Int32Array
  readonly #report: (evidence: RemoteEvidence) => void
  /** By slot: when evidence was last reported. */
  readonly #reportedAtMs: Float64Array
  /**
   * By slot: failures that were reported since `windowAtMs`. As many as exclude the remote are reported one by one, so
   * that the head can count them; further ones say no more than that it still fails.
   */
  readonly #failures: Int32Array
  readonly #windowAtMs: Float64Array

  constructor(
    remotes: readonly ReportedRemote[],
    verdict: Int32Array,
    report: (evidence: RemoteEvidence) => void,
  ) {
    this.#remotes = remotes
    this.#names = remotes.map(({ healthName, name }) => healthName ?? name)
    this.#verdict = verdict
    this.#report = report
    this.#reportedAtMs = new Float64Array(remotes.length).fill(Number.NEGATIVE_INFINITY)
    this.#failures = new Int32Array(remotes.length)
    this.#windowAtMs = new Float64Array(remotes.length).fill(Number.NEGATIVE_INFINITY)
  }

  /** What is reported of the slot concerns another remote from now on. */
  rename(slot: number, name: string): void {
    this.#names[slot] = name
    this.#reportedAtMs[slot] = Number.NEGATIVE_INFINITY
    this.#windowAtMs[slot] = Number.NEGATIVE_INFINITY
  }

  /** An attempt succeeded. */
  succeeded(slot: number, startedMs: number, nowMs: number): void {
    if (Atomics.load(this.#verdict, slot) === UP || this.#isSoon(slot, nowMs)) return
    this.#send(slot, true, startedMs, nowMs, '')
  }

  /** An attempt failed, and not because of this machine. */
  failed(slot: number, startedMs: number, nowMs: number, why: string): void {
    const failAfter = this.#remotes[slot]?.failAfter
    const verdict = Atomics.load(this.#verdict, slot)
    // A remote that is excluded gets no sessions. With `fail after` one that is down may be on trial.
    if (failAfter === undefined ? verdict !== UP : verdict === EXCLUDED) return
    const counts = failAfter !== undefined && this.#counts(slot, failAfter, nowMs)
    if (counts || !this.#isSoon(slot, nowMs)) this.#send(slot, false, startedMs, nowMs, why)
  }

  /** Whether the failures that are seen in established sessions of a remote are evidence. */
  countsFailures(slot: number): boolean {
    return this.#remotes[slot]?.failAfter !== undefined
  }

  #isSoon(slot: number, nowMs: number): boolean {
    return nowMs - (this.#reportedAtMs[slot] as number) < REPORT_EVERY_MS
  }

  #counts(slot: number, { count, withinMs }: FailAfter, nowMs: number): boolean {
    if (nowMs - (this.#windowAtMs[slot] as number) >= withinMs) {
      this.#windowAtMs[slot] = nowMs
      this.#failures[slot] = 0
    }
    const failures = this.#failures[slot] as number
    this.#failures[slot] = failures + 1
    return failures < count
  }

  #send(slot: number, isUp: boolean, startedMs: number, atMs: number, why: string): void {
    const name = this.#names[slot]
    if (name === undefined) return
    this.#reportedAtMs[slot] = atMs
    this.#report({ name, isUp, startedMs, atMs, why })
  }
}
