import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FOR_EVER_MS, Timer, Timers } from './timers.js'

const TICK_MS = 4
const tickOf = (ms: number) => Math.floor(ms / TICK_MS)

/** What a timer does when it rings. */
type OnRing = readonly { readonly verb: 'set' | 'unset'; readonly who: number; readonly afterMs: number }[]

/** The wheel beside the simplest thing that could be right: a list of who is due when. */
class Model {
  readonly #timers: Timers
  readonly #due = new Map<number, { readonly dueMs: number; readonly setAtMs: number }>()
  readonly #list: Timer[]
  readonly #script: readonly OnRing[]
  nowMs: number
  rung = 0

  constructor(startMs: number, script: readonly OnRing[]) {
    this.nowMs = startMs
    this.#timers = new Timers(this)
    this.#script = script
    this.#list = script.map((_, who) => new Timer({ onTimer: () => this.#onRing(who) }))
  }

  set(who: number, dueMs: number): void {
    this.#timers.set(this.#timer(who), dueMs)
    this.#due.set(who, { dueMs, setAtMs: this.nowMs })
    this.#check()
  }

  unset(who: number): void {
    this.#timers.unset(this.#timer(who))
    this.#due.delete(who)
    this.#check()
  }

  advance(byMs: number): void {
    this.nowMs += byMs
    this.#timers.advance()
    this.#check()
    for (const [who, { dueMs, setAtMs }] of this.#due) {
      // Who was set in this very moment has its chance in the next tick.
      const latest = Math.max(Math.ceil(dueMs / TICK_MS), tickOf(setAtMs) + 1)
      assert.ok(tickOf(this.nowMs) < latest, `timer ${who}, due at ${dueMs}, is late at ${this.nowMs}`)
    }
  }

  /** Waits as the loop does, until nothing is set. Answers how often it had to. */
  runOut(): number {
    let waits = 0
    for (; this.#due.size > 0; waits++) {
      const waitMs = this.#timers.waitMs()
      assert.ok(Number.isInteger(waitMs) && waitMs >= 0 && waitMs <= FOR_EVER_MS)
      this.advance(waitMs)
      assert.ok(waits < 10_000, 'the wheel never comes to an end')
    }
    assert.equal(this.#timers.waitMs(), FOR_EVER_MS)
    return waits
  }

  #onRing(who: number): void {
    const due = this.#due.get(who)
    assert.ok(due !== undefined, `timer ${who} rang and was not set`)
    assert.ok(due.dueMs <= this.nowMs, `timer ${who}, due at ${due.dueMs}, rang early at ${this.nowMs}`)
    assert.equal(this.#timer(who).isSet, false, 'a timer that rings is off')
    this.#due.delete(who)
    if (++this.rung > 500) return
    for (const { verb, who: other, afterMs } of this.#script[who] ?? []) {
      if (verb === 'unset') this.unset(other % this.#list.length)
      else this.set(other % this.#list.length, this.nowMs + afterMs)
    }
  }

  #check(): void {
    assert.equal(this.#timers.count, this.#due.size)
    for (const [who, timer] of this.#list.entries()) assert.equal(timer.isSet, this.#due.has(who))
  }

  #timer(who: number): Timer {
    return this.#list[who] as Timer
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
const who = fc.nat({ max: 7 })
const onRing = fc.array(
  fc.record({ verb: fc.constantFrom('set' as const, 'unset' as const), who, afterMs: delay }),
  { maxLength: 2 },
)
const step = fc.oneof(
  fc.record({ verb: fc.constant('set' as const), who, ms: delay }),
  fc.record({ verb: fc.constant('unset' as const), who, ms: fc.constant(0) }),
  fc.record({ verb: fc.constant('advance' as const), who, ms: delay }),
)
const start = fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1e10, noNaN: true }), fc.nat(1_000_000))
const script = fc.array(onRing, { minLength: 8, maxLength: 8 })

test('timers ring never early and at most one tick late, whatever their owners do', () => {
  fc.assert(
    fc.property(start, script, fc.array(step, { maxLength: 60 }), (startMs, script, steps) => {
      const model = new Model(startMs, script)
      for (const { verb, who, ms } of steps) {
        if (verb === 'set') model.set(who, model.nowMs + ms)
        else if (verb === 'unset') model.unset(who)
        else model.advance(Math.max(0, ms))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('waiting as long as the wheel says finds every timer, in few waits', () => {
  const delays = fc.array(delay, { minLength: 8, maxLength: 8 })
  fc.assert(
    fc.property(start, delays, (startMs, delays) => {
      const model = new Model(
        startMs,
        delays.map(() => []),
      )
      for (const [who, ms] of delays.entries()) model.set(who, startMs + ms)
      const waits = model.runOut()
      assert.equal(model.rung, 8)
      // Once per level for each, and once for the tick in which it rings.
      assert.ok(waits <= 8 * 6, `${waits} waits for 8 timers`)
    }),
    { numRuns: 1_000 },
  )
})

test('a timer that is due in no time at all rings in the next tick, not in this one for ever', () => {
  const clock = { nowMs: 1_000 }
  const timers = new Timers(clock)
  const advanceTo = (nowMs: number) => {
    clock.nowMs = nowMs
    timers.advance()
  }
  let rung = 0
  const timer = new Timer({
    onTimer() {
      rung++
      timers.set(timer, 0)
    },
  })
  timers.set(timer, 0)
  advanceTo(1_003.9)
  assert.equal(rung, 0)
  advanceTo(1_004)
  assert.equal(rung, 1)
  advanceTo(1_009)
  assert.equal(rung, 2)
})

test('a timer for never costs a wait of weeks, and can be changed', () => {
  const clock = { nowMs: 0 }
  const timers = new Timers(clock)
  const rung: number[] = []
  const timer = new Timer({ onTimer: () => rung.push(1) })
  timers.set(timer, Number.POSITIVE_INFINITY)
  for (let i = 0; i < 10; i++) {
    clock.nowMs += timers.waitMs()
    timers.advance()
  }
  // No wait is longer than FOR_EVER_MS, and the wheel reaches twice as far.
  assert.ok(clock.nowMs > 4 * FOR_EVER_MS, `${clock.nowMs}`)
  assert.deepEqual([rung, timer.isSet], [[], true])
  timers.set(timer, clock.nowMs + 10)
  clock.nowMs += 14
  timers.advance()
  assert.deepEqual([rung, timers.count], [[1], 0])
})

test('a sleep of months finds everything due once, in one call', () => {
  const clock = { nowMs: 0 }
  const timers = new Timers(clock)
  let rung = 0
  const delays = Array.from({ length: 1_000 }, (_, i) => 1.7 ** (i % 44))
  for (const delayMs of delays) timers.set(new Timer({ onTimer: () => rung++ }), delayMs)
  clock.nowMs = 1e11
  timers.advance()
  assert.deepEqual([rung, timers.count], [1_000, 0])
})

test('100,000 busy sessions with an idle timeout touch the wheel once per timeout, not once per byte', () => {
  const IDLE_MS = 60_000
  const SESSIONS = 100_000
  const clock = { nowMs: 0 }
  const timers = new Timers(clock)
  let operations = 0
  let wakes = 0
  // Every session is active all the time: its deadline moves, its timer stays until it rings.
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
  assert.ok(operations <= SESSIONS * 5, `${operations} rings in five timeouts`)
  assert.ok(wakes < 2_000, `${wakes} wakes in five minutes`)
})
