import { Loop, NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'
import { Timer, Timers } from '../../src/reactor/timers.js'
import { MemoryKernel } from './memory-kernel.js'
import { type MicroCase, SESSIONS } from './micro-case.js'
import { SmallRelay } from './small-relay.js'

/** Events per turn, as under load. */
const EVENTS_PER_TURN = 64

const IDLE_MS = 60_000

class Listens implements Watcher {
  token = NO_TOKEN
  heard = 0

  onReady(): void {
    this.heard++
  }
}

const dispatch: MicroCase = {
  name: `loop: an event to its watcher, ${EVENTS_PER_TURN} a turn`,
  sizes: SESSIONS,
  isFlat: true,
  prepare(size) {
    const kernel = new MemoryKernel(size)
    const loop = new Loop(kernel.poller, kernel.system.clock)
    for (let i = 0; i < size; i++) loop.watch(kernel.open(), new Listens(), 'stream')
    let fd = 0
    return (times) => {
      const perTurn = Math.min(EVENTS_PER_TURN, size)
      for (let told = 0; told < times; told += perTurn) {
        for (let i = 0; i < perTurn; i++) {
          kernel.arrive(fd, 0)
          fd = fd + 1 === size ? 0 : fd + 1
        }
        loop.turn(0)
      }
    }
  },
}

const relaying: MicroCase = {
  name: 'relay: a request and its reply, a turn each',
  sizes: SESSIONS,
  isFlat: true,
  prepare(size) {
    const relay = new SmallRelay(size)
    return (times) => {
      for (let i = 0; i < times; i++) relay.exchange()
    }
  },
}

const wholeSession: MicroCase = {
  name: 'relay: a whole session with its access line, beside',
  sizes: SESSIONS,
  isFlat: true,
  prepare(size) {
    const relay = new SmallRelay(size)
    return (times) => {
      for (let i = 0; i < times; i++) relay.wholeSession()
    }
  },
}

function spreadTimers(timers: Timers, count: number, onTimer: (timer: Timer) => void): Timer[] {
  return Array.from({ length: count }, (_, i) => {
    const timer: Timer = new Timer({ onTimer: () => onTimer(timer) })
    timers.set(timer, (i * IDLE_MS) / count)
    return timer
  })
}

const setting: MicroCase = {
  name: 'timers: set and unset one, beside',
  sizes: SESSIONS,
  isFlat: true,
  prepare(size) {
    const timers = new Timers({ nowMs: 0 })
    spreadTimers(timers, size, () => {})
    const timer = new Timer({ onTimer() {} })
    return (times) => {
      for (let i = 0; i < times; i++) {
        timers.set(timer, 1_000 + (i & 0xffff))
        timers.unset(timer)
      }
    }
  },
}

/** As idle timeouts do: each fires once in its time and is set again. Counted by firing. */
const ringing: MicroCase = {
  name: 'timers: wait, fire, set again, one of',
  sizes: SESSIONS,
  isFlat: true,
  prepare(size) {
    const clock = { nowMs: 0 }
    const timers = new Timers(clock)
    let rung = 0
    spreadTimers(timers, size, (timer) => {
      rung++
      timers.set(timer, clock.nowMs + IDLE_MS)
    })
    return (times) => {
      for (const goal = rung + times; rung < goal; ) {
        clock.nowMs += timers.waitMs()
        timers.advance()
      }
    }
  },
}

export const REACTOR_CASES: readonly MicroCase[] = [dispatch, relaying, wholeSession, setting, ringing]
