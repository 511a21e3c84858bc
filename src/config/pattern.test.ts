import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../../test/support/any-text.js'
import { byteString } from '../base/byte-string.js'
import { Refusal } from './expectation.js'
import { compilePattern, type Dialect } from './pattern.js'

/** A pattern, texts that it matches, and texts that it does not match. */
type Case = readonly [pattern: string, matching: readonly string[], others: readonly string[]]

function check(dialect: Dialect, cases: readonly Case[], ignoresCase = false): void {
  for (const [text, matching, others] of cases) {
    const pattern = compilePattern(text, dialect, ignoresCase)
    assert.ok(pattern instanceof RegExp, text)
    for (const value of matching) assert.ok(pattern.test(value), `${text} matches ${JSON.stringify(value)}`)
    for (const value of others) {
      assert.ok(!pattern.test(value), `${text} does not match ${JSON.stringify(value)}`)
    }
  }
}

function refusal(text: string, dialect: Dialect): string {
  const answer = compilePattern(text, dialect, false)
  return answer instanceof Refusal ? answer.message : 'accepted'
}

test('common constructs have the same meaning in both dialects', () => {
  const cases: readonly Case[] = [
    ['', ['', 'x'], []],
    ['a.c', ['abc', 'xa\rc'], ['ac', 'a\nc']],
    ['^b$', ['b', 'a\nb\nc'], ['ab']],
    ['^(a|bc)+$', ['abca'], ['abcd']],
    ['^a{2}b{1,}c{0,1}$', ['aab', 'aabbc'], ['ab', 'aabcc']],
    ['^[^a-c]$', ['d', '-'], ['b']],
    ['^[]x-]$', [']', 'x', '-'], ['a']],
    ['^[[:alpha:]_][[:digit:][:punct:]]$', ['a1', '_!'], ['1a', 'aa']],
    ['^[[:space:]]$', [' ', '\t', '\r'], ['\u00a0', 'x']],
    ['^(.)\\1$', ['aa', '11'], ['ab']],
    ['x{', ['x{'], ['x']],
    ['^a\\.b\\$$', ['a.b$'], ['axb$']],
    ['é+', [byteString('éé')], ['e']],
    ['^é+$', [byteString('éé')], [byteString('é').slice(0, 1)]],
    ['^.$', ['\u00e9', '\u2028'], [byteString('é')]],
  ]
  check('posix', cases)
  check('perl', cases)
})

test('POSIX has its own escapes, and negated lists do not match line ends', () => {
  check('posix', [
    ['^[\\d]$', ['\\', 'd'], ['1']],
    ['\\<a\\>', ['x a y'], ['xa', 'ab']],
    ['^[^a]$', ['b'], ['\n']],
    ['^\\w+\\(\\)$', ['ab()'], ['ab']],
  ])
  for (const text of ['\\d', 'a**', '*', '(?:a)', 'a{70000}'])
    assert.notEqual(refusal(text, 'posix'), 'accepted')
})

test('Perl has classes, groups, flags, lookaround and lazy repetition', () => {
  check('perl', [
    ['^\\d\\w\\s\\D\\W\\S$', ['1_ x!y'], ['x_ x!y']],
    ['^[\\d\\-\\]]$', ['5', '-', ']'], ['x', '\\']],
    ['^[^\\S]$', [' '], ['\u00a0']],
    ['\\x41\\x{42}\\t\\e\\012', ['AB\t\x1b\n'], ['ab']],
    ['^(?:a|b)(?=c)(?!cd)', ['ac', 'bce'], ['ab', 'acd']],
    ['(?<=a)(?<!ba)c', ['xac'], ['bac', 'c']],
    ['(?<name>a)(?P<other>b)\\2', ['abb'], ['aba']],
    ['^(?i)ab(?-i)c$', ['ABc', 'abc'], ['abC']],
    ['^(?:(?i)a)b$', ['Ab'], ['AB']],
    ['^(?i:[a-f]x)y$', ['FXy'], ['fxY']],
    ['(?s)a.b', ['a\nb'], []],
    ['(?-m)^b$', ['b', 'b\n'], ['a\nb']],
    ['\\Aa(?#not this)\\Z', ['a', 'a\n'], ['b\na']],
    ['a\\z', ['ba'], ['a\n']],
    ['^a+?b', ['aab'], ['b']],
    ['\\bab\\b', ['x ab'], ['xab']],
  ])
  const unknown = [
    'a++',
    '(?>a)',
    '(?R)',
    '\\Kx',
    '\\Qa\\E',
    '\\pL',
    '(?x) a',
    '(*FAIL)',
    '[[:^alpha:]]',
    '\\k<a>',
  ]
  for (const text of unknown) assert.notEqual(refusal(text, 'perl'), 'accepted', text)
})

test('ignores case of ASCII letters only', () => {
  check(
    'perl',
    [
      ['^aB[c-e]$', ['AbD', 'abE'], ['abf']],
      ['^[^a]$', ['b'], ['A', 'a']],
      ['^\\xe9$', ['\xe9'], ['\xc9']],
      ['^[[:upper:]]$', ['a', 'A'], ['1']],
    ],
    true,
  )
})

test('describes errors in patterns', () => {
  const cases: readonly [string, string][] = [
    ['(', "unmatched '(' in the pattern '('"],
    [')', "unmatched ')' in the pattern ')'"],
    ['[a', "unmatched '[' in the pattern '[a'"],
    ['[b-a]', "reversed range in '[ ]' in the pattern '[b-a]'"],
    ['+', "nothing to repeat before '+' in the pattern '+'"],
    ['a{3,2}', "'{3,2}' is not a valid repetition in the pattern 'a{3,2}'"],
    ['(a)\\2', "unknown group 2 in the pattern '(a)\\2'"],
    ['a\\', "trailing backslash in the pattern 'a\\'"],
    ['[é]', "non-ASCII character in '[ ]' in the pattern '[é]'"],
  ]
  for (const [text, message] of cases) {
    assert.equal(refusal(text, 'perl'), message)
    assert.equal(refusal(text, 'posix'), message)
  }
})

test('compiles or rejects any combination of constructs', () => {
  const pieces = fc.constantFrom(
    ...[
      '(',
      ')',
      '[',
      ']',
      '^',
      '$',
      '.',
      '|',
      '*',
      '+',
      '?',
      '{',
      '}',
      '{2,3}',
      '\\',
      '\\d',
      '\\x4',
      '(?',
      '(?i)',
    ],
    ...['(?<a>', '[:alpha:]', '-', 'a', 'é', '\n', ':', '#', '1', ',', '\\1', '\\b', '(?:', '(?=', '[^'],
  )
  const texts = fc.array(pieces, { maxLength: 12 }).map((list) => list.join(''))
  const dialects = fc.constantFrom<Dialect>('posix', 'perl')
  fc.assert(
    fc.property(texts, dialects, fc.boolean(), (text, dialect, ignoresCase) => {
      const answer = compilePattern(text, dialect, ignoresCase)
      if (answer instanceof Refusal) assert.match(answer.message, /pattern/)
      else assert.equal(typeof answer.test('a1\n\xe9'), 'boolean')
    }),
    { numRuns: 3_000 },
  )
})

test('literal patterns match themselves', () => {
  const texts = anyText({ minLength: 1, maxLength: 8 })
  const special = /[\\^$.[\](){}|*+?]/g
  fc.assert(
    fc.property(texts, fc.constantFrom<Dialect>('posix', 'perl'), (text, dialect) => {
      const pattern = compilePattern(text.replace(special, '\\$&'), dialect, false)
      assert.ok(pattern instanceof RegExp)
      assert.ok(pattern.test(`x${byteString(text)}y`))
    }),
  )
})

test('uses no lookaround for other constructs, so that linear-time matching stays possible', () => {
  for (const text of ['^(a+)+$', '^[^[:digit:]]\\w{2,}\\.$', 'a|b', '^é.*$']) {
    for (const dialect of ['posix', 'perl'] as const) {
      const pattern = compilePattern(text, dialect, true)
      assert.ok(pattern instanceof RegExp)
      assert.doesNotMatch(pattern.source, /\(\?[<=!]/)
      assert.equal(pattern.flags, 'm')
    }
  }
})
