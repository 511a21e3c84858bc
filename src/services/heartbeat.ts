/** Detects hanging children: pings each of them in every round; the child's reactor answers. */
import { readFileSync } from 'node:fs'

/** Unanswered pings in a row after which a child counts as hanging, in the next round. */
export const MISSED_MAX = 3

/** The same until it serves: hundreds of children that start at once share the processors. */
const MISSED_AT_START_MAX = 4 * MISSED_MAX

export interface HeartbeatEvents {
  /** Sends a ping; `answered` is called for the reply. */
  ask(slot: number): void
  /** The child of a slot has not answered too many pings. It is forgotten: no further pings follow. */
  onHanging(slot: number): void
  pidOf(slot: number): number | undefined
}

interface Beat {
  /** Unanswered pings in a row. */
  missed: number
  missedMax: number
}

/** Counts rounds instead of time: a master that was stopped (SIGSTOP) does not find all its children hanging. */
export class Heartbeat {
  readonly #events: HeartbeatEvents
  readonly #isStopped: (pid: number) => boolean
  /** By slot, of running children. */
  readonly #beats = new Map<number, Beat>()

  constructor(events: HeartbeatEvents, isProcessStopped = isStopped) {
    this.#events = events
    this.#isStopped = isProcessStopped
  }

  started(slot: number): void {
    this.#beats.set(slot, { missed: 0, missedMax: MISSED_AT_START_MAX })
  }

  served(slot: number): void {
    const beat = this.#beats.get(slot)
    if (beat !== undefined) beat.missedMax = MISSED_MAX
  }

  answered(slot: number): void {
    const beat = this.#beats.get(slot)
    if (beat !== undefined) beat.missed = 0
  }

  ended(slot: number): void {
    this.#beats.delete(slot)
  }

  /** One round. */
  tick(): void {
    for (const [slot, beat] of this.#beats) {
      // A stopped child gets its full time again when it continues.
      if (beat.missed > 0 && this.#isChildStopped(slot)) beat.missed = 0
      if (beat.missed >= beat.missedMax) {
        this.ended(slot)
        this.#events.onHanging(slot)
        continue
      }
      // Before the answer, which resets it.
      beat.missed++
      this.#events.ask(slot)
    }
  }

  #isChildStopped(slot: number): boolean {
    const pid = this.#events.pidOf(slot)
    return pid !== undefined && this.#isStopped(pid)
  }
}

/** Whether a process is stopped by a signal or a debugger, or writes a core file: then it does not hang. */
export function isStopped(pid: number): boolean {
  try {
    return /^State:\s+[Tt]|^CoreDumping:\s+1/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false // it has ended, or /proc is not mounted
  }
}
