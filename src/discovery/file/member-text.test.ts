import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SourceFailure } from '../source-failure.js'
import { readMemberText } from './member-text.js'
import { readPlacedJson } from './placed-json.js'

/** `NAME HOST PORT WEIGHT TIER`, `-` for what is not given; or the failure. */
function read(text: string): string | readonly string[] {
  try {
    return readMemberText(text).map(({ hosts, name, port, tier = '-', weight = '-' }) =>
      [name, hosts.join(), port, weight, tier].join(' '),
    )
  } catch (error) {
    assert.ok(error instanceof SourceFailure, String(error))
    return error.message
  }
}

test('reads lines', () => {
  const text = [
    '# a comment',
    '10.0.0.1:80',
    '',
    '  [2001:DB8::1]:8080 weight=0 tier=2\tname=b#1  # another',
    'c.example.test:81 tier=0\r',
    '#',
  ]
  const members = [
    '10.0.0.1:80 10.0.0.1 80 - -',
    'b#1 2001:db8::1 8080 0 2',
    'c.example.test:81 c.example.test 81 - 0',
  ]
  assert.deepEqual(read(text.join('\n')), members)
  assert.deepEqual(read(`\ufeff${text.join('\n')}`.replace('\ufeff', '')), members)
  assert.deepEqual(read('# nothing\n'), [])
})

test('reads JSON', () => {
  const list = [
    '10.0.0.1:80',
    '[::1]:80',
    { name: 'c', address: '10.0.0.3', port: 81, weight: 10, tier: 1, extra: [{}] },
    { address: 'd.example.test', port: 82, backup: true },
    { address: '::2', port: 83, weight: null, name: null, backup: false },
  ]
  const members = [
    '10.0.0.1:80 10.0.0.1 80 - -',
    '[::1]:80 ::1 80 - -',
    'c 10.0.0.3 81 10 1',
    'd.example.test:82 d.example.test 82 - 1',
    '[::2]:83 ::2 83 - -',
  ]
  assert.deepEqual(read(JSON.stringify(list)), members)
  assert.deepEqual(read(JSON.stringify({ other: 1, members: list }, null, 2)), members)
  assert.deepEqual(read('[]'), [])
  assert.deepEqual(read(' \n[ ] '), [])
})

test('names the line and what was expected', () => {
  const bad: Readonly<Record<string, string>> = {
    '': "the file is empty; '[]' stands for no members",
    '\n10.0.0.1': 'line 2: member: expected HOST:PORT, but got "10.0.0.1"',
    '10.0.0.1:0': 'line 1: member: expected 1 … 65535, but got 0',
    '10.0.0.256:1': 'line 1: member: expected an IP address or a host name, but got "10.0.0.256"',
    '::1:80': 'line 1: member: expected HOST:PORT, but got "::1:80"',
    '10.0.0.1:80 wieght=1': 'line 1: expected weight=…, tier=…, name=…, but got "wieght=1"',
    '10.0.0.1:80 weight=': 'line 1: expected weight=…, tier=…, name=…, but got "weight="',
    '10.0.0.1:80 weight=x': 'line 1: member.weight: expected 0 … 65535, but got "x"',
    '10.0.0.1:80 weight=65536': 'line 1: member.weight: expected 0 … 65535, but got 65536',
    '10.0.0.1:80 tier=1 tier=2': 'line 1: tier is given twice',
    '10.0.0.1:80\n#\n10.0.0.1:80': 'line 3: the name "10.0.0.1:80" is already that of line 1',
    '[10.0.0.1:80]': 'line 1: member: expected HOST:PORT, but got "[10.0.0.1:80]"',
    '[': "line 1: expected a value or ']', but the file ends",
    '{"members":\n': 'line 2: expected a value, but the file ends',
    '["10.0.0.1:80"\n"10.0.0.2:80"]': 'line 2: expected \',\' or \']\', but got ""10.0.0.2:80"]"',
    '["10.0.0.1:80",\n]': 'line 2: expected a value, but got "]"',
    '{"members": [],}': 'line 1: expected a key, but got "}"',
    '{members: []}': 'line 1: expected a key or \'}\', but got "members: []}"',
    '{"members" []}': 'line 1: expected \':\', but got "[]}"',
    '[]\nx': 'line 2: expected the end of the file, but got "x"',
    '["a\nb"]': 'line 1: expected a value or \']\', but got ""a"',
    '{"a": 1}': 'members: expected an array',
    '{"members": 1}': 'members: expected an array, but got 1',
    '[\n"10.0.0.1:80",\n\n{"address": "10.0.0.1"}]': 'line 4: members[1].port: expected 1 … 65535',
    '{"members": ["10.0.0.1:80",\n{"address": "10.0.0.1",\n"port": 80}]}':
      'line 2: the name "10.0.0.1:80" is already that of line 1',
    [`[${'['.repeat(40)}`]: 'line 1: nested too deeply',
  }
  for (const [text, message] of Object.entries(bad)) assert.equal(read(text), message, JSON.stringify(text))
})

const anyJson = fc.json({ maxDepth: 5 })
const pieces = fc.constantFrom(
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"a"',
  '"\\u00e4"',
  '1',
  '-0.5e3',
  '01',
  'true',
  ' ',
  '\n',
  '"',
)

test('JSON is read as JSON.parse does, and rejected if that does', () => {
  const texts = fc.oneof(
    anyJson,
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
    fc.tuple(anyJson, fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, other]) => {
      const place = at % (json.length + 1)
      return json.slice(0, place) + other + json.slice(place + 1)
    }),
  )
  fc.assert(
    fc.property(texts, (text) => {
      assert.deepEqual(
        outcome(() => readPlacedJson(text).value),
        outcome(() => JSON.parse(text)),
        text,
      )
    }),
    { numRuns: 2_000 },
  )
})

function outcome(read: () => unknown): unknown {
  try {
    return { value: read() }
  } catch (error) {
    assert.ok(error instanceof SourceFailure || error instanceof SyntaxError, String(error))
    return 'rejected'
  }
}

const anyHost = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
const anyMember = fc.record({
  address: anyHost,
  port: fc.integer({ min: 1, max: 65_535 }),
  weight: fc.option(fc.integer({ min: 0, max: 65_535 }), { nil: undefined }),
  tier: fc.option(fc.integer({ min: 0, max: 255 }), { nil: undefined }),
})
const anyMembers = fc
  .uniqueArray(anyMember, { selector: ({ port }) => port, maxLength: 20 })
  .map((members) => members.map((member, i) => ({ ...member, name: `m${i}` })))

test('lines and JSON with the same members are read alike', () => {
  fc.assert(
    fc.property(anyMembers, fc.boolean(), (members, isObject) => {
      const lines = members.map(({ address, name, port, tier, weight }) => {
        const host = address.includes(':') ? `[${address}]` : address
        const options = [
          weight === undefined ? '' : `weight=${weight}`,
          tier === undefined ? '' : `tier=${tier}`,
        ]
        return `${host}:${port} ${options.join(' ')} name=${name}`
      })
      const fromLines = read(['#', ...lines].join('\n'))
      assert.ok(Array.isArray(fromLines), String(fromLines))
      assert.equal(fromLines.length, members.length)
      assert.deepEqual(read(JSON.stringify(isObject ? { members } : members)), fromLines)
    }),
  )
})

test('any text is read or rejected with a line', () => {
  const words = fc.constantFrom(
    '10.0.0.1:80',
    '[::1]:80',
    'weight=1',
    'tier=x',
    'name=',
    '#',
    '\n',
    ' ',
    '[',
    '{',
    '"',
  )
  const texts = fc.oneof(
    fc.string(),
    fc.array(words).map((all) => all.join(' ')),
  )
  fc.assert(
    fc.property(texts, (text) => {
      const found = read(text)
      if (typeof found === 'string')
        assert.match(found, /^(?:line \d+: |the file is empty|members: |the document: )/)
    }),
  )
})
