import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { common, FakeServices, queryOf } from '../../test/support/mavis.js'
import { AV } from '../base/mavis-attributes.js'
import { Chain } from './chain.js'
import {
  ACK,
  type Code,
  DOWN,
  ERR,
  FINAL,
  IGNORE,
  type Module,
  NAK,
  NFD,
  type Query,
  TIMEOUT,
} from './module.js'

/** How a module handles one query. */
interface Habit {
  readonly when: 'now' | 'later' | 'never' | 'throws' | 'answers and throws'
  readonly code: Code
  readonly result: string | undefined
  readonly times: number
  readonly review: Code | 'throws'
}

const habit: fc.Arbitrary<Habit> = fc.record({
  when: fc.constantFrom<Habit['when']>('now', 'later', 'never', 'throws', 'answers and throws'),
  code: fc.constantFrom<Code>(FINAL, DOWN, DOWN, IGNORE, TIMEOUT),
  result: fc.constantFrom(undefined, ACK, NAK, ERR, NFD),
  times: fc.integer({ min: 1, max: 3 }),
  review: fc.constantFrom<Habit['review']>(FINAL, FINAL, DOWN, 'throws'),
})

/** Behaves as configured and keeps callbacks for later. */
class Whimsical implements Module {
  readonly #habit: Habit
  readonly #later: (() => void)[]

  constructor(habit: Habit, later: (() => void)[]) {
    this.#habit = habit
    this.#later = later
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const { code, result, times, when } = this.#habit
    const speak = () => {
      query.values[AV.RESULT] = result
      for (let i = 0; i < times; i++) answer(code)
    }
    if (when === 'now' || when === 'answers and throws') speak()
    if (when === 'later') this.#later.push(speak)
    if (when === 'throws' || when === 'answers and throws') throw new Error('a whim')
  }

  review(): typeof FINAL | typeof DOWN {
    const { review } = this.#habit
    if (review === 'throws') throw new Error('a whim')
    return review === DOWN ? DOWN : FINAL
  }
}

const ends = fc.option(fc.constantFrom('return' as const, 'continue' as const, 'skip' as const), {
  nil: undefined,
})
const placed = fc.record({
  habit,
  onError: fc.constantFrom('continue' as const, 'reject' as const),
  onNotFound: fc.constantFrom('continue' as const, 'reject' as const),
  ends: fc.tuple(ends, ends, ends),
})

test('answers every query once, whatever the modules do', () => {
  const scriptOf = (end: 'return' | 'continue' | 'skip' | undefined) =>
    end === undefined ? undefined : [{ kind: end }]
  fc.assert(
    fc.property(fc.array(placed, { maxLength: 5 }), fc.integer({ min: 1, max: 5 }), (places, questions) => {
      const later: (() => void)[] = []
      const entries = places.map(({ ends, habit, ...actions }, at) => ({
        module: new Whimsical(habit, later),
        settings: common(`${at}`, {
          ...actions,
          scriptIn: scriptOf(ends[0]),
          scriptInterim: scriptOf(ends[1]),
          scriptOut: scriptOf(ends[2]),
        }),
      }))
      const chain = new Chain(entries, new FakeServices())
      const answers = new Map<Query, number>()
      for (let i = 0; i < questions; i++) {
        const query = queryOf()
        answers.set(query, 0)
        chain.ask(query, (code) => {
          answers.set(query, (answers.get(query) ?? 0) + 1)
          if (code === FINAL) assert.notEqual(query.values[AV.RESULT], undefined)
        })
      }
      for (let next = later.shift(); next !== undefined; next = later.shift()) next()
      const hasSilent = places.some(({ habit }) => habit.when === 'never')
      for (const [query, count] of answers) {
        if (count === 0) assert.ok(hasSilent, 'a question is lost')
        else assert.equal(count, 1)
        chain.withdraw(query)
      }
      assert.equal(chain.openCount, 0)
    }),
    { numRuns: 2_000 },
  )
})

test('never answers a withdrawn query, whenever it was withdrawn', () => {
  fc.assert(
    fc.property(fc.array(placed, { minLength: 1, maxLength: 4 }), fc.nat(6), (places, calls) => {
      const later: (() => void)[] = []
      const entries = places.map(({ habit }, at) => ({
        module: new Whimsical(habit, later),
        settings: common(`${at}`),
      }))
      const chain = new Chain(entries, new FakeServices())
      let answers = 0
      const query = queryOf()
      chain.ask(query, () => answers++)
      for (let i = 0; i < calls; i++) later.shift()?.()
      chain.withdraw(query)
      const before = answers
      for (let next = later.shift(); next !== undefined; next = later.shift()) next()
      assert.equal(answers, before)
      assert.equal(chain.openCount, 0)
    }),
  )
})
