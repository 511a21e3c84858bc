import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  answering,
  common,
  FakeServices,
  type Named,
  namedOf,
  queryOf,
  Slow,
} from '../../test/support/mavis.js'
import { type AttributeName, AV } from '../base/mavis-attributes.js'
import { Chain, type ChainEntry } from './chain.js'
import { ACK, type Code, DOWN, ERR, FINAL, IGNORE, type Module, NAK, NFD, TIMEOUT } from './module.js'
import type { Condition, Statement } from './script.js'
import type { Step } from './step.js'

const set = (name: AttributeName, text: string): Statement => ({
  kind: 'set',
  attribute: AV[name],
  value: [{ kind: 'text', text }],
})

/** Appends to HOME, which records the path of a query. */
const mark = (text: string): Statement => ({
  kind: 'set',
  attribute: AV.HOME,
  value: [
    { kind: 'attribute', attribute: AV.HOME },
    { kind: 'text', text },
  ],
})
const ifHolds = (condition: Condition, then: Statement): Statement => ({
  kind: 'if',
  condition,
  then,
  otherwise: undefined,
})
const stop = (kind: 'return' | 'continue' | 'skip'): Statement => ({ kind })

/** Records entering, leaving and reviewing under its name. */
function marking(name: string, module: Module = {}, over: Partial<ChainEntry['settings']> = {}): ChainEntry {
  const settings = common(name, {
    scriptIn: [mark(`${name}<`)],
    scriptInterim: [mark(`${name}~`)],
    scriptOut: [mark(`${name}>`)],
    ...over,
  })
  return { module, settings }
}

const entry = (module: Module, over: Partial<ChainEntry['settings']> = {}): ChainEntry => ({
  module,
  settings: common('m', over),
})

function chainOf(...entries: readonly ChainEntry[]): Chain {
  return new Chain(entries, new FakeServices())
}

interface Asked {
  readonly codes: readonly Code[]
  readonly values: Named
}

/** The answer of a chain that answers immediately. */
function asked(entries: readonly ChainEntry[], named: Named = {}): Asked {
  const query = queryOf(named)
  const codes: Code[] = []
  const chain = chainOf(...entries)
  chain.ask(query, (code) => codes.push(code))
  assert.equal(chain.openCount, codes.length === 0 ? 1 : 0)
  return { codes, values: namedOf(query.values) }
}

/** The recorded path. */
const wayOf = (entries: readonly ChainEntry[]) => asked(entries).values.HOME

test('passes a final answer up through the modules above', () => {
  const entries = [marking('a'), marking('b', answering(FINAL, { RESULT: ACK })), marking('c')]
  assert.equal(wayOf(entries), 'a<b<b~b>a~a>')
})

test('does not let the last module review its own DOWN', () => {
  assert.equal(wayOf([marking('a'), marking('b', answering(DOWN))]), 'a<b<b>a~a>')
  assert.deepEqual(asked([entry(answering(DOWN))]).values.RESULT, NFD)
  // Helpers of the original answer ACK with DOWN for the modules that follow.
  assert.deepEqual(asked([entry(answering(DOWN, { RESULT: ACK }))]).values.RESULT, ACK)
})

test('answers NFD without modules', () => {
  const { codes, values } = asked([])
  assert.deepEqual([codes, values.RESULT], [[FINAL], NFD])
})

test('skips a module on the way down and up after skip', () => {
  let looks = 0
  const module: Module = {
    ...answering(FINAL, { RESULT: NAK }),
    review: () => {
      looks++
      return FINAL
    },
  }
  const entries = [
    marking('a', module, { scriptIn: [mark('a<'), stop('skip')] }),
    marking('b', answering(FINAL, { RESULT: ACK })),
  ]
  const { values } = asked(entries)
  assert.deepEqual([values.RESULT, values.HOME, looks], [ACK, 'a<b<b~b>', 0])
  const last = marking('z', module, { scriptIn: [stop('skip')] })
  assert.equal(wayOf([marking('a'), last]), 'a<a~a>')
})

test('does not ask a module whose script in returns', () => {
  const entry = marking('b', answering(FINAL, { RESULT: NAK }), {
    scriptIn: [set('RESULT', ACK), stop('return')],
  })
  const { values } = asked([marking('a'), entry, marking('c')])
  assert.deepEqual([values.RESULT, values.HOME], [ACK, 'a<b>a~a>'])
})

test('ends only the script on continue', () => {
  const scriptIn = [mark('a<'), stop('continue'), mark('!')]
  assert.equal(wayOf([marking('a', answering(FINAL), { scriptIn })]), 'a<a~a>')
})

test('skips the module or only its review by a script interim', () => {
  const looking: Module = {
    review({ values }) {
      values[AV.EMAIL] = 'seen'
      return FINAL
    },
  }
  const way = (kind: 'skip' | 'return' | 'continue') => {
    const scriptInterim = [mark('a~'), stop(kind)]
    const { values } = asked([marking('a', looking, { scriptInterim }), entry(answering(FINAL))])
    return [values.HOME, values.EMAIL]
  }
  assert.deepEqual(way('skip'), ['a<a~', undefined])
  assert.deepEqual(way('return'), ['a<a~a>', undefined])
  assert.deepEqual(way('continue'), ['a<a~a>', 'seen'])
})

const OTHER = entry(answering(FINAL, { RESULT: ACK, COMMENT: 'other' }))

test('answers or continues on ERR as action error says', () => {
  const failing = answering(FINAL, { RESULT: ERR, USER_RESPONSE: 'sorry' })
  const { values } = asked([entry(failing), OTHER])
  assert.deepEqual([values.RESULT, values.USER_RESPONSE, values.COMMENT], [ERR, 'sorry', undefined])
  const continued = asked([entry(failing, { onError: 'continue' }), OTHER]).values
  assert.deepEqual([continued.RESULT, continued.USER_RESPONSE, continued.COMMENT], [ACK, undefined, 'other'])
  assert.equal(asked([entry(failing, { onError: 'continue' })]).values.RESULT, ERR, 'no module is left')
})

test('asks the next module on NFD unless action not-found is reject', () => {
  const final = answering(FINAL, { RESULT: NFD })
  assert.equal(asked([entry(final), OTHER]).values.RESULT, ACK)
  assert.equal(asked([entry(final, { onNotFound: 'reject' }), OTHER]).values.RESULT, NFD)
  const down = answering(DOWN, { RESULT: NFD })
  assert.equal(asked([entry(down), OTHER]).values.RESULT, ACK)
  assert.equal(asked([entry(down, { onNotFound: 'reject' }), OTHER]).values.RESULT, NAK)
  assert.equal(asked([entry(down, { onNotFound: 'reject' })]).values.RESULT, NAK)
})

test('keeps ERR of a lower module, whatever action error of upper modules is', () => {
  const entries = [
    entry({ review: () => FINAL }, { onError: 'continue' }),
    entry(answering(FINAL, { RESULT: ERR })),
  ]
  assert.equal(asked(entries).values.RESULT, ERR)
})

test('runs no scripts when a module gives no answer', () => {
  for (const code of [IGNORE, TIMEOUT] as const) {
    const { codes, values } = asked([marking('a'), marking('b', answering(code)), OTHER])
    assert.deepEqual([codes, values.HOME, values.RESULT], [[code], 'a<b<', undefined])
  }
})

test('sends a query down again once per module', () => {
  let answers = 0
  const below: Module = {
    ask({ values }, answer) {
      values[AV.RESULT] = answers++ === 0 ? ERR : ACK
      answer(FINAL)
    },
  }
  const again: Module = { review: () => DOWN }
  const { codes, values } = asked([marking('a', again), marking('b', below)])
  assert.deepEqual([codes, values.RESULT, answers], [[FINAL], ACK, 2])
  assert.equal(values.HOME, 'a<b<b~b>a~b<b~b>a~a>')
})

test('clears skip when a module is asked again', () => {
  const again: Module = {
    review({ values }) {
      values[AV.EMAIL] = 'known'
      return DOWN
    },
  }
  const unknown: Condition = { kind: 'not', of: { kind: 'defined', attribute: AV.EMAIL } }
  const skipUnknown: Statement = { kind: 'block', statements: [ifHolds(unknown, stop('skip'))] }
  const below = marking('b', answering(FINAL, { RESULT: ACK }), { scriptIn: [skipUnknown] })
  const { values } = asked([marking('a', again), below])
  assert.deepEqual([values.RESULT, values.HOME], [ACK, 'a<a~b~b>a~a>'])
})

test('asks the modules below when a module withdraws its own answer', () => {
  const module: Module = {
    ...answering(FINAL),
    review({ values }) {
      values[AV.RESULT] ??= NFD
      return FINAL
    },
  }
  assert.equal(asked([entry(module), OTHER]).values.RESULT, ACK)
})

test('fails only the query when a module throws', () => {
  const services = new FakeServices()
  const throwing: Module = {
    ask() {
      throw new Error('no such thing')
    },
  }
  const lookThrowing: Module = {
    review() {
      throw new Error('bad look')
    },
  }
  const badClose = { close: () => Promise.reject(new Error('bad close')) }
  for (const module of [throwing, lookThrowing]) {
    const chain = new Chain([entry(module), OTHER], services)
    const query = queryOf()
    let codes = 0
    chain.ask(query, () => codes++)
    assert.deepEqual([codes, query.values[AV.RESULT], query.values[AV.COMMENT]], [1, ERR, 'module m failed'])
    services.ms += 1_000
  }
  assert.deepEqual(services.lines, [
    'mavis module m failed: no such thing',
    'mavis module m failed: bad look',
  ])
  const { values } = asked([entry(throwing, { onError: 'continue' }), OTHER])
  assert.equal(values.RESULT, ACK)
  return new Chain([entry(badClose)], services).close().then(() => {
    assert.equal(services.lines.at(-1), 'mavis module m failed: bad close')
  })
})

test('keeps an answer when the module throws after it', () => {
  const module: Module = {
    ask({ values }, answer) {
      values[AV.RESULT] = ACK
      answer(FINAL)
      throw new Error('too late')
    },
  }
  assert.equal(asked([entry(module)]).values.RESULT, ACK)
})

test('accepts a late answer and ignores a second one', () => {
  const slow = new Slow()
  const chain = chainOf(marking('a'), marking('b', slow))
  const query = queryOf()
  const codes: Code[] = []
  chain.ask(query, (code) => codes.push(code))
  const answer = slow.open.get(query)
  assert.deepEqual([codes, chain.openCount], [[], 1])
  slow.answer(query, FINAL, { RESULT: ACK })
  answer?.(DOWN)
  assert.deepEqual([codes, chain.openCount, query.values[AV.HOME]], [[FINAL], 0, 'a<b<b~b>a~a>'])
})

test('ignores an answer of an earlier module', () => {
  const first = new Slow()
  const second = new Slow()
  const chain = chainOf(entry(first), entry(second))
  const query = queryOf()
  const codes: Code[] = []
  chain.ask(query, (code) => codes.push(code))
  const answer = first.open.get(query)
  answer?.(DOWN)
  assert.equal(second.open.size, 1)
  answer?.(FINAL)
  assert.deepEqual(codes, [])
  second.answer(query, FINAL, { RESULT: NAK })
  assert.deepEqual(codes, [FINAL])
})

test('notifies the current module of a withdrawal and does not answer', () => {
  const slow = new Slow()
  const chain = chainOf(entry(answering(DOWN)), entry(slow))
  const query = queryOf()
  chain.ask(query, () => assert.fail('it was withdrawn'))
  const answer = slow.open.get(query)
  chain.withdraw(query)
  assert.deepEqual([slow.withdrawn, chain.openCount], [[query], 0])
  answer?.(FINAL)
  chain.withdraw(query)
  assert.equal(slow.withdrawn.length, 1)
})

test('allows withdrawal from within a step callback', () => {
  let count = 0
  const counting: Module = {
    ask(_query, answer) {
      count++
      answer(DOWN)
    },
  }
  const chain = chainOf(entry(counting), entry(counting))
  const query = queryOf()
  const answered = () => assert.fail('it was withdrawn')
  chain.ask(query, answered, ({ what }) => (what === 'answered' ? chain.withdraw(query) : undefined))
  assert.deepEqual([count, chain.openCount], [1, 0])
})

test('answers open queries on close and none after it', async () => {
  const slow = new Slow()
  let closes = 0
  const closing = { close: async () => void closes++ }
  const chain = chainOf(entry(closing), entry(slow))
  const codes: Code[] = []
  const query = queryOf()
  chain.ask(query, (code) => codes.push(code))
  const answer = slow.open.get(query)
  await chain.close()
  answer?.(FINAL)
  chain.ask(queryOf(), (code) => codes.push(code))
  assert.deepEqual([codes, slow.withdrawn, chain.openCount, closes], [[IGNORE, IGNORE], [query], 0, 1])
})

test('calls releaseIdle of every module, also after one throws', () => {
  let rests = 0
  const tired: Module = { releaseIdle: () => void rests++ }
  const broken: Module = {
    releaseIdle() {
      throw new Error('no rest')
    },
  }
  chainOf(entry(broken), entry(tired), entry({}), entry(tired)).releaseIdle()
  assert.equal(rests, 2)
})

test('does not recurse when an answer causes the next query', () => {
  const chain = chainOf(entry(answering(DOWN)), entry(answering(FINAL)))
  let left = 100_000
  const next = () => {
    if (left-- > 0) chain.ask(queryOf(), next)
  }
  next()
  assert.equal(left, -1)
})

test('delivers other answers when a callback throws', () => {
  const services = new FakeServices()
  const chain = new Chain([OTHER], services)
  let answers = 0
  chain.ask(queryOf(), () => {
    chain.ask(queryOf(), () => answers++)
    throw new Error('who is that')
  })
  assert.deepEqual([answers, services.lines], [1, ['mavis: an answer could not be delivered: who is that']])
})

test('reports every step with the attributes it changed', () => {
  const steps: Step[] = []
  const failing = answering(FINAL, { RESULT: ERR, COMMENT: 'down' })
  const looking: Module = {
    review({ values }) {
      values[AV.COMMENT] = undefined
      return FINAL
    },
  }
  const entries = [
    { module: looking, settings: common('top', { scriptIn: [set('HOME', '/')] }) },
    { module: failing, settings: common('first', { onError: 'continue' }) },
    {
      module: answering(FINAL, { RESULT: ACK }),
      settings: common('second', { scriptOut: [stop('return')] }),
    },
  ]
  chainOf(...entries).ask(
    queryOf(),
    () => {},
    (step) => steps.push(step),
  )
  const reported = steps.map(({ module, what, outcome, changes }) => [module, what, outcome, ...changes])
  assert.deepEqual(reported, [
    ['top', 'script in', 'end', [AV.HOME, '/']],
    ['first', 'asked', undefined],
    ['first', 'answered', FINAL, [AV.RESULT, ERR], [AV.COMMENT, 'down']],
    ['first', 'action', DOWN, [AV.RESULT, NFD]],
    ['second', 'asked', undefined],
    ['second', 'answered', FINAL, [AV.RESULT, ACK]],
    ['second', 'script out', 'return'],
    ['top', 'reviewed', FINAL, [AV.COMMENT, undefined]],
  ])
})

test('answers a query whose traversal throws, and continues with others', () => {
  const services = new FakeServices()
  const chain = new Chain([OTHER], services)
  const codes: Code[] = []
  chain.ask(
    queryOf(),
    (code) => codes.push(code),
    () => {
      throw new Error('injected')
    },
  )
  chain.ask(queryOf(), (code) => codes.push(code))
  assert.deepEqual([codes, chain.openCount, services.boundary.count], [[IGNORE, FINAL], 0, 1])
})
