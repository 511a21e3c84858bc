import type { Clock } from '../../src/kernel/system.js'
import { type Loop, NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'
import { Schedule } from './schedule.js'
import { TimerFd } from './timer-fd.js'

export interface Pace {
  readonly perSecond: number
  readonly seconds: number
}

/** Calls `act` with the time that it was due at, at a fixed rate, and `onOver` after the last time. */
export class Pacer implements Watcher {
  token = NO_TOKEN
  readonly #clock: Clock
  readonly #act: (dueMs: number) => void
  readonly #onOver: () => void
  readonly #timer = new TimerFd()
  #schedule: Schedule | undefined

  constructor(clock: Clock, act: (dueMs: number) => void, onOver: () => void) {
    this.#clock = clock
    this.#act = act
    this.#onOver = onOver
  }

  start(loop: Loop, startMs: number, { perSecond, seconds }: Pace): void {
    this.#schedule = new Schedule(startMs, perSecond, seconds)
    const outcome = loop.watch(this.#timer.fd, this, 'level')
    if (outcome < 0) throw new Error(`cannot watch a timer: ${outcome}`)
    this.#timer.start(startMs, this.#schedule.intervalNs)
  }

  /** After a stall everything that has become due is sent at once, each counted from its own due time. */
  onReady(): void {
    this.#timer.clear()
    const schedule = this.#schedule
    if (schedule === undefined || schedule.isOver) return
    const nowMs = this.#clock.monotonicMs()
    while (schedule.isDue(nowMs)) this.#act(schedule.take())
    if (schedule.isOver) this.#onOver()
  }
}
