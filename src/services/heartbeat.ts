/** Finds children that hang: each is asked again and again whether it is alive, and its reactor answers. */
import { readFileSync } from 'node:fs'

/** Questions that a child may leave unanswered. The next round finds it hanging. */
export const MISSED_MAX = 3

/** The same while it starts: hundreds of children that start at once share the processors. */
const MISSED_AT_START_MAX = 4 * MISSED_MAX

export interface HeartbeatEvents {
  ask(slot: number): void
  onHanging(slot: number): void
  pidOf(slot: number): number | undefined
}

interface Beat {
  /** Questions in a row without an answer. */
  missed: number
  missedMax: number
}

/** Counts rounds instead of reading a clock: a master that was stopped itself asks once, and then hears the answers. */
export class Heartbeat {
  readonly #events: HeartbeatEvents
  readonly #isHeldUp: (pid: number) => boolean
  /** By the slots of children that run. */
  readonly #beats = new Map<number, Beat>()

  constructor(events: HeartbeatEvents, isHeld = isHeldUp) {
    this.#events = events
    this.#isHeldUp = isHeld
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
  look(): void {
    for (const [slot, beat] of this.#beats) {
      // So it has all its time when it goes on.
      if (beat.missed > 0 && this.#isHeld(slot)) beat.missed = 0
      if (beat.missed >= beat.missedMax) {
        this.ended(slot)
        this.#events.onHanging(slot)
        continue
      }
      beat.missed++
      this.#events.ask(slot)
    }
  }

  #isHeld(slot: number): boolean {
    const pid = this.#events.pidOf(slot)
    return pid !== undefined && this.#isHeldUp(pid)
  }
}

/** Stopped by a signal or a debugger, or writing a core file: somebody wants it to stand still. */
export function isHeldUp(pid: number): boolean {
  try {
    return /^State:\s+[Tt]|^CoreDumping:\s+1/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false // it is gone, or there is no /proc
  }
}
