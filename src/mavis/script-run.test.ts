import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Named, namedOf, valuesOf } from '../../test/support/mavis.js'
import { type AttributeName, AV } from '../base/mavis-attributes.js'
import type { Condition, Script, ScriptEnd, Statement, Template } from './script.js'
import { runScript, VALUE_BYTES_MAX } from './script-run.js'

const text = (words: string): Template => [{ kind: 'text', text: words }]
const of = (name: AttributeName): Template => [{ kind: 'attribute', attribute: AV[name] }]
const group = (index: number): Template => [{ kind: 'group', index }]
const set = (name: AttributeName, ...values: readonly Template[]): Statement => ({
  kind: 'set',
  attribute: AV[name],
  value: values.flat(),
})
const change = (kind: 'unset' | 'toupper' | 'tolower', name: AttributeName): Statement => ({
  kind,
  attribute: AV[name],
})
const stop = (kind: 'return' | 'continue' | 'skip'): Statement => ({ kind })
const block = (...statements: Script): Statement => ({ kind: 'block', statements })
const when = (condition: Condition, then: Statement, otherwise?: Statement): Statement => ({
  kind: 'if',
  condition,
  then,
  otherwise,
})
const evaluate = (condition: Condition): Statement => ({ kind: 'eval', condition })
const equal = (name: AttributeName, value: Template): Condition => ({
  kind: 'equal',
  attribute: AV[name],
  value,
})
const defined = (name: AttributeName): Condition => ({ kind: 'defined', attribute: AV[name] })
const match = (name: AttributeName, pattern: RegExp, hasGroups = true): Condition => ({
  kind: 'match',
  attribute: AV[name],
  pattern,
  hasGroups,
})
const not = (of: Condition): Condition => ({ kind: 'not', of })
const and = (left: Condition, right: Condition): Condition => ({ kind: 'and', left, right })
const or = (left: Condition, right: Condition): Condition => ({ kind: 'or', left, right })

interface Case {
  readonly title: string
  readonly script: Script
  readonly before: Named
  readonly after: Named
  readonly end?: ScriptEnd
}

const CASES: readonly Case[] = [
  { title: 'nothing', script: [], before: { USER: 'joe' }, after: { USER: 'joe' } },
  {
    title: 'concatenates values',
    script: [set('COMMENT', text('<'), of('USER'), of('EMAIL'), text('>')), change('unset', 'USER')],
    before: { USER: 'joe' },
    after: { COMMENT: '<joe>' },
  },
  {
    title: 'changes the case of ASCII letters only',
    script: [change('toupper', 'USER'), change('tolower', 'HOME'), change('toupper', 'ROOT')],
    before: { USER: 'j\u00c3\u00a4\u00e9z', HOME: 'J\u00c3\u0084\u00c9Z1' },
    after: { USER: 'J\u00c3\u00a4\u00e9Z', HOME: 'j\u00c3\u0084\u00c9z1' },
  },
  {
    title: 'keeps groups until the next match',
    script: [
      evaluate(match('USER', /^(\w+)@(.*)$/)),
      evaluate(match('USER', /z/, false)),
      set('REALM', group(2)),
      set('USER', group(1)),
      set('ROOT', group(0)),
      set('HOME', group(9)),
    ],
    before: { USER: 'joe@example' },
    after: { USER: 'joe', REALM: 'example', ROOT: 'joe@example', HOME: '' },
  },
  {
    title: 'clears groups when a pattern does not match',
    script: [
      evaluate(match('USER', /(.)/)),
      when(match('USER', /(x)/), stop('skip')),
      set('HOME', text('a'), group(1)),
    ],
    before: { USER: 'joe' },
    after: { USER: 'joe', HOME: 'a' },
  },
  {
    title: 'matches from the start each time',
    script: [
      evaluate(match('USER', /o/g)),
      when(match('USER', /o/g), set('HOME', text('yes'))),
      when(match('USER', /J.*E/i), set('ROOT', text('yes'))),
    ],
    before: { USER: 'joe' },
    after: { USER: 'joe', HOME: 'yes', ROOT: 'yes' },
  },
  {
    title: 'ends nested blocks on return',
    script: [block(block(set('HOME', text('1')), stop('return')), stop('skip')), set('HOME', text('2'))],
    before: {},
    after: { HOME: '1' },
    end: 'return',
  },
  { title: 'continue', script: [stop('continue'), stop('skip')], before: {}, after: {}, end: 'continue' },
  { title: 'skip', script: [when(not(defined('USER')), stop('skip'))], before: {}, after: {}, end: 'skip' },
  {
    title: 'runs blocks in order',
    script: [
      block(set('HOME', of('HOME'), text('1')), set('HOME', of('HOME'), text('2'))),
      block(),
      set('HOME', of('HOME'), text('3')),
    ],
    before: { HOME: '0' },
    after: { HOME: '0123' },
  },
  {
    title: 'else',
    script: [
      when(equal('USER', text('joe')), set('HOME', text('a')), set('HOME', text('b'))),
      when(equal('USER', text('tom')), set('ROOT', text('a')), set('ROOT', text('b'))),
    ],
    before: { USER: 'joe' },
    after: { USER: 'joe', HOME: 'a', ROOT: 'b' },
  },
  {
    title: 'neither equals nor matches an undefined attribute',
    script: [
      when(equal('USER', text('')), stop('skip')),
      when(match('USER', /^/), stop('skip')),
      when(equal('HOME', of('USER')), stop('skip')),
      when(equal('HOME', of('ROOT')), set('EMAIL', text('same'))),
    ],
    before: { HOME: '', ROOT: '' },
    after: { HOME: '', ROOT: '', EMAIL: 'same' },
  },
  {
    title: 'resolves self for IDENTITY_SOURCE only',
    script: [
      when(equal('IDENTITY_SOURCE', text('self')), set('HOME', text('mine'))),
      when(equal('USER', text('self')), stop('skip')),
      when(equal('IDENTITY_SOURCE', text('there')), stop('skip')),
    ],
    before: { IDENTITY_SOURCE: 'here', USER: 'here' },
    after: { IDENTITY_SOURCE: 'here', USER: 'here', HOME: 'mine' },
  },
  {
    title: 'short-circuits && and ||',
    script: [
      evaluate(match('USER', /(j)/)),
      evaluate(and(defined('ROOT'), match('USER', /(o)/))),
      evaluate(or(defined('USER'), match('USER', /(o)/))),
      set('HOME', group(1)),
      evaluate(or(defined('ROOT'), match('USER', /(e)/))),
      set('ARGS', group(1)),
    ],
    before: { USER: 'joe' },
    after: { USER: 'joe', HOME: 'j', ARGS: 'e' },
  },
]

for (const { title, script, before, after, end = 'end' } of CASES) {
  test(`script: ${title}`, () => {
    const values = valuesOf(before)
    assert.equal(runScript(script, values, 'here'), end)
    assert.deepEqual(namedOf(values), after)
  })
}

test('cuts values at their limit', () => {
  const values = valuesOf({ HOME: 'ab' })
  const twice = set('HOME', of('HOME'), of('HOME'))
  runScript(Array<Statement>(60).fill(twice), values, '')
  assert.equal(values[AV.HOME], 'ab'.repeat(VALUE_BYTES_MAX / 2))
})

test('runs 100,000 nested blocks and conditions', () => {
  let statement: Statement = set('HOME', text('deep'))
  let condition: Condition = defined('USER')
  for (let depth = 0; depth < 100_000; depth++) {
    statement = depth % 2 === 0 ? block(statement) : when(defined('USER'), statement)
    condition =
      depth % 3 === 0
        ? not(not(condition))
        : depth % 3 === 1
          ? and(condition, defined('USER'))
          : or(defined('ROOT'), condition)
  }
  const values = valuesOf({ USER: 'joe' })
  runScript([statement, when(condition, set('ROOT', text('true')))], values, '')
  assert.deepEqual(namedOf(values), { USER: 'joe', HOME: 'deep', ROOT: 'true' })
})

const attribute = fc.constantFrom(AV.USER, AV.HOME, AV.ROOT, AV.IDENTITY_SOURCE)
const part = fc.oneof(
  fc.record({ kind: fc.constant('text' as const), text: fc.string({ maxLength: 3 }) }),
  fc.record({ kind: fc.constant('attribute' as const), attribute }),
  fc.record({ kind: fc.constant('group' as const), index: fc.nat(9) }),
)
const template = fc.array(part, { maxLength: 3 })
const PATTERNS = [/^(.)(.)?/, /(a|b)*c?$/i, /^$/, /(?<!a)b/, /(.*)*x/, /(?=(b+))\1/]
const { condition } = fc.letrec<{ condition: Condition }>((tie) => ({
  condition: fc.oneof(
    { maxDepth: 6 },
    fc.record({ kind: fc.constant('defined' as const), attribute }),
    fc.record({ kind: fc.constant('equal' as const), attribute, value: template }),
    fc.record({
      kind: fc.constant('match' as const),
      attribute,
      pattern: fc.constantFrom(...PATTERNS),
      hasGroups: fc.boolean(),
    }),
    fc.record({ kind: fc.constant('not' as const), of: tie('condition') }),
    fc.record({
      kind: fc.constantFrom('and' as const, 'or' as const),
      left: tie('condition'),
      right: tie('condition'),
    }),
  ),
}))
const { statement } = fc.letrec<{ statement: Statement }>((tie) => ({
  statement: fc.oneof(
    { maxDepth: 5 },
    fc.record({ kind: fc.constant('set' as const), attribute, value: template }),
    fc.record({ kind: fc.constantFrom('unset' as const, 'toupper' as const, 'tolower' as const), attribute }),
    fc.record({ kind: fc.constant('eval' as const), condition }),
    fc.record({ kind: fc.constantFrom('return' as const, 'continue' as const, 'skip' as const) }),
    fc
      .tuple(condition, tie('statement'), fc.option(tie('statement'), { nil: undefined }))
      .map(([condition, first, otherwise]) => when(condition, first, otherwise)),
    fc.record({ kind: fc.constant('block' as const), statements: fc.array(tie('statement')) }),
  ),
}))

/** A recursive reference implementation. */
function isTrue(condition: Condition, values: readonly (string | undefined)[]): boolean {
  switch (condition.kind) {
    case 'not':
      return !isTrue(condition.of, values)
    case 'and':
      return isTrue(condition.left, values) && isTrue(condition.right, values)
    case 'or':
      return isTrue(condition.left, values) || isTrue(condition.right, values)
    case 'defined':
      return values[condition.attribute] !== undefined
    default:
      return runScript([when(condition, stop('return'))], [...values], 'here') === 'return'
  }
}

test('ends every script and changes only the attributes it names', () => {
  fc.assert(
    fc.property(fc.array(statement), fc.string(), fc.string(), (script, user, home) => {
      const values = valuesOf({ USER: user, HOME: home, SERIAL: '1' })
      const end = runScript(script, values, 'here')
      assert.ok(['end', 'return', 'continue', 'skip'].includes(end))
      assert.equal(values[AV.SERIAL], '1')
      assert.ok(values.every((value) => (value ?? '').length <= VALUE_BYTES_MAX))
    }),
  )
})

test('evaluates conditions like a plain recursive evaluator', () => {
  // A single condition has no groups of earlier patterns.
  const withoutGroups = condition.filter((tree) => !JSON.stringify(tree).includes('"group"'))
  fc.assert(
    fc.property(withoutGroups, fc.string({ maxLength: 3 }), (tree, user) => {
      const values = valuesOf({ USER: user, HOME: user.slice(1), IDENTITY_SOURCE: 'here' })
      const holds = runScript([when(tree, stop('return'))], [...values], 'here') === 'return'
      assert.equal(holds, isTrue(tree, values))
    }),
  )
})
