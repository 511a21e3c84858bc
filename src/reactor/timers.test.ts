import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FOR_EVER_MS, Timer, Timers } from './timers.js'

const TICK_MS = 1
const tickOf = (ms: number) => Math.floor(ms / TICK_MS)

/** What a timer does when it fires. */
type OnFire = readonly { readonly verb: 'set' | 'unset'; readonly id: number; readonly afterMs: number }[]

/** Runs the wheel beside a reference implementation: a map of due times by timer. */
class Model {
  readonly #timers: Timers
  readonly #due = new Map<number, { readonly dueMs: number; readonly setAtMs: number }>()
  readonly #list: Timer[]
  readonly #script: readonly OnFire[]
  nowMs: number
  fired = 0

  constructor(startMs: number, script: readonly OnFire[]) {
    this.nowMs = startMs
    this.#timers = new Timers(this)
    this.#script = script
    this.#list = script.map((_, id) => new Timer({ onTimer: () => this.#onFire(id) }))
  }

  set(id: number, dueMs: number): void {
    this.#timers.set(this.#timer(id), dueMs)
    this.#due.set(id, { dueMs, setAtMs: this.nowMs })
    this.#check()
  }

  unset(id: number): void {
    this.#timers.unset(this.#timer(id))
    this.#due.delete(id)
    this.#check()
  }

  advance(byMs: number): void {
    this.nowMs += byMs
    this.#timers.advance()
    this.#check()
    for (const [id, { dueMs, setAtMs }] of this.#due) {
      // A timer set in the current tick fires in the next one at the earliest.
      const latest = Math.max(Math.ceil(dueMs / TICK_MS), tickOf(setAtMs) + 1)
      assert.ok(tickOf(this.nowMs) < latest, `timer ${id}, due at ${dueMs}, is late at ${this.nowMs}`)
    }
  }

  /** Waits as the loop does, until no timer is set. Returns the number of waits. */
  runOut(): number {
    let waits = 0
    for (; this.#due.size > 0; waits++) {
      const waitMs = this.#timers.waitMs()
      assert.ok(Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= FOR_EVER_MS)
      this.advance(waitMs)
      assert.ok(waits < 10_000, 'the wheel never runs out')
    }
    assert.equal(this.#timers.waitMs(), FOR_EVER_MS)
    return waits
  }

  #onFire(id: number): void {
    const due = this.#due.get(id)
    assert.ok(due !== undefined, `timer ${id} fired and was not set`)
    assert.ok(due.dueMs <= this.nowMs, `timer ${id}, due at ${due.dueMs}, fired early at ${this.nowMs}`)
    assert.equal(this.#timer(id).isSet, false, 'a timer that fires is unset')
    this.#due.delete(id)
    if (++this.fired > 500) return
    for (const { verb, id: other, afterMs } of this.#script[id] ?? []) {
      if (verb === 'unset') this.unset(other % this.#list.length)
      else this.set(other % this.#list.length, this.nowMs + afterMs)
    }
  }

  #check(): void {
    assert.equal(this.#timers.count, this.#due.size)
    for (const [id, timer] of this.#list.entries()) assert.equal(timer.isSet, this.#due.has(id))
  }

  #timer(id: number): Timer {
    return this.#list[id] as Timer
  }
}

/** Delays of every level of the wheel, and around its borders. */
const delay = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: -10, max: 300 }) },
  { weight: 2, arbitrary: fc.double({ min: 0, max: 300, noNaN: true }) },
  fc.integer({ min: 0, max: 70_000 }),
  fc.integer({ min: 0, max: 5_000_000 }),
  fc.constantFrom(255, 256, 257, 16_383, 16_384, 16_385, 1_048_576, 67_108_864, 4_294_967_296),
  fc.integer({ min: 0, max: 10_000_000_000 }),
)
const id = fc.nat({ max: 7 })
const onFire = fc.array(
  fc.record({ verb: fc.constantFrom('set' as const, 'unset' as const), id, afterMs: delay }),
  { maxLength: 2 },
)
const step = fc.oneof(
  fc.record({ verb: fc.constant('set' as const), id, ms: delay }),
  fc.record({ verb: fc.constant('unset' as const), id, ms: fc.constant(0) }),
  fc.record({ verb: fc.constant('advance' as const), id, ms: delay }),
)
const start = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e10, noNaN: true }), fc.nat(1_000_000))
const script = fc.array(onFire, { minLength: 8, maxLength: 8 })

test('fires no timer early and none later than one tick, whatever the owners do', () => {
  fc.assert(
    fc.property(start, script, fc.array(step, { maxLength: 60 }), (startMs, script, steps) => {
      const model = new Model(startMs, script)
      for (const { verb, id, ms } of steps) {
        if (verb === 'set') model.set(id, model.nowMs + ms)
        else if (verb === 'unset') model.unset(id)
        else model.advance(Math.max(0, ms))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('fires every timer within a few waits of waitMs each', () => {
  const delays = fc.array(delay, { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(start, delays, (startMs, delays) => {
      const model = new Model(
        startMs,
        delays.map(() => []),
      )
      for (const [id, ms] of delays.entries()) model.set(id, startMs + ms)
      const waits = model.runOut()
      assert.equal(model.fired, 8)
      // One wait per level for each timer, and one for the tick in which it fires.
      assert.ok(waits <= 8 * 6, `${waits} waits for 8 timers`)
    }),
    { numRuns: 1_000 },
  )
})

test('fires a timer that is due at once in the next tick, not repeatedly in this one', () => {
  const clock = { nowMs: 1_000 }
  const timers = new Timers(clock)
  const advanceTo = (nowMs: number) => {
    clock.nowMs = nowMs
    timers.advance()
  }
  let fired = 0
  const timer = new Timer({
    onTimer() {
      fired++
      timers.set(timer, 0)
    },
  })
  timers.set(timer, 0)
  advanceTo(1_000.9)
  assert.equal(fired, 0)
  advanceTo(1_001)
  assert.equal(fired, 1)
  advanceTo(1_009)
  assert.equal(fired, 2)
})

test('a timer set to Infinity never fires and can be set again', () => {
  const clock = { nowMs: 0 }
  const timers = new Timers(clock)
  const fired: number[] = []
  const timer = new Timer({ onTimer: () => fired.push(1) })
  timers.set(timer, Number.POSITIVE_INFINITY)
  for (let i = 0; i < 10; i++) {
    clock.nowMs += timers.waitMs()
    timers.advance()
  }
  // No wait exceeds FOR_EVER_MS; the wheel covers half of that.
  assert.ok(clock.nowMs > 4 * FOR_EVER_MS, `${clock.nowMs}`)
  assert.deepEqual([fired, timer.isSet], [[], true])
  timers.set(timer, clock.nowMs + 10)
  clock.nowMs += 14
  timers.advance()
  assert.deepEqual([fired, timers.count], [[1], 0])
})

test('fires everything once, in one call, after a sleep of months', () => {
  const clock = { nowMs: 0 }
  const timers = new Timers(clock)
  let fired = 0
  const delays = Array.from({ length: 1_000 }, (_, i) => 1.7 ** (i % 44))
  for (const delayMs of delays) timers.set(new Timer({ onTimer: () => fired++ }), delayMs)
  clock.nowMs = 1e11
  timers.advance()
  assert.deepEqual([fired, timers.count], [1_000, 0])
})

test('100,000 busy sessions set their idle timer once per timeout, not once per transfer', () => {
  const IDLE_MS = 60_000
  const SESSIONS = 100_000
  const clock = { nowMs: 0 }
  const timers = new Timers(clock)
  let operations = 0
  let wakes = 0
  // Every session is active all the time: its deadline moves, its timer remains set until it fires.
  for (let i = 0; i < SESSIONS; i++) {
    const timer: Timer = new Timer({
      onTimer() {
        operations++
        timers.set(timer, clock.nowMs + IDLE_MS)
      },
    })
    timers.set(timer, IDLE_MS + (i % 1_000))
  }
  while (clock.nowMs < 5 * IDLE_MS) {
    wakes++
    clock.nowMs += Math.max(1, timers.waitMs())
    timers.advance()
  }
  assert.equal(timers.count, SESSIONS)
  assert.ok(operations <= SESSIONS * 5, `${operations} timers fired in five timeouts`)
  assert.ok(wakes < 5_000, `${wakes} waits in five minutes`)
})
