import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { HealthRecord } from './history.js'
import { parseSaved, type SavedRemote, savedText } from './saved-state.js'

const OFFSET_MS = 1_700_000_000_000
const REMOTE: SavedRemote = {
  state: { isDown: true, sinceMs: 1_000 },
  results: [
    { atMs: 900, isUp: true, reason: '', latencyMs: 1.25 },
    { atMs: 1_000, isUp: false, reason: 'refused', latencyMs: 0.5 },
  ],
  flips: [{ atMs: 1_000, isUp: false, reason: 'refused', latencyMs: 0 }],
}

function textOf(remotes: Iterable<readonly [string, SavedRemote]>): string {
  return [...savedText(remotes, [], OFFSET_MS + 2_000, OFFSET_MS)].join('')
}

/** The text with fields replaced. */
function edited(edit: (file: Record<string, unknown>, remote: Record<string, unknown>) => void): string {
  const file = JSON.parse(textOf([['a', REMOTE]]))
  edit(file, file.remotes.a)
  return JSON.stringify(file)
}

test('reads what was written, after a restart with another clock', () => {
  const unknown = { state: undefined, results: [], flips: [] }
  const saved = parseSaved(
    textOf(
      new Map([
        ['a', REMOTE],
        ['"b"\n', unknown],
      ]),
    ),
    OFFSET_MS + 500,
  )
  assert.ok(typeof saved !== 'string')
  assert.equal(saved.writtenAtMs, OFFSET_MS + 2_000)
  const earlier = (records: readonly HealthRecord[]) =>
    records.map((one) => ({ ...one, atMs: one.atMs - 500 }))
  assert.deepEqual(
    [...saved.remotes],
    [
      [
        'a',
        {
          state: { isDown: true, sinceMs: 500 },
          results: earlier(REMOTE.results),
          flips: earlier(REMOTE.flips),
        },
      ],
      ['"b"\n', unknown],
    ],
  )
})

test('has a line for each remote, and for each pool with discovery', () => {
  assert.equal(
    textOf([
      ['a', REMOTE],
      ['b', REMOTE],
    ]).split('\n').length,
    6,
  )
  assert.match(textOf([]), /^\{"version":1,"writtenAt":1700000002000,"remotes":\{\n\},"pools":\{\n\}\}\n$/)
  const pools = [['web', []] as const, ['db', []] as const]
  assert.equal([...savedText([], pools, 0, 0)].join('').split('\n').length, 6)
})

test('ignores fields that it does not know', () => {
  const text = edited((file, remote) => {
    file.weather = 'fine'
    remote.weight = 5
  })
  assert.notEqual(typeof parseSaved(text, OFFSET_MS), 'string')
})

const REFUSED: readonly (readonly [string, string])[] = [
  ['', 'it is not a JSON object'],
  ['[]', 'it is not a JSON object'],
  [textOf([['a', REMOTE]]).slice(0, -5), 'it is not a JSON object'],
  ['{}', 'its format is unknown'],
  [edited((file) => (file.version = 0)), 'its format is unknown'],
  [edited((file) => (file.version = '1')), 'its format is unknown'],
  [edited((file) => (file.version = 2)), 'it was written by a newer version of this program (format 2)'],
  [edited((file) => delete file.writtenAt), 'it is damaged'],
  [edited((file) => (file.remotes = [])), 'it is damaged'],
  [edited((_, remote) => (remote.down = 1)), 'the entry of the remote a is damaged'],
  [edited((_, remote) => delete remote.since), 'the entry of the remote a is damaged'],
  [edited((_, remote) => (remote.reasons = ['refused'])), 'the entry of the remote a is damaged'],
  [edited((_, remote) => (remote.flips = [])), 'the entry of the remote a is damaged'],
  [
    edited((_, remote) => (remote.results = { at: [1, 2], up: [1], ms: [1, 1], why: [0, 0] })),
    'the entry of the remote a is damaged',
  ],
]

test('refuses other versions and damaged files, with the reason', () => {
  for (const [text, why] of REFUSED) assert.equal(parseSaved(text, OFFSET_MS), why, text)
})

test('never throws, whatever the file contains', () => {
  const text = textOf([['a', REMOTE]])
  const cut = fc.tuple(fc.nat(text.length), fc.nat(20), fc.string({ maxLength: 5 }))
  fc.assert(
    fc.property(cut, ([at, length, inserted]) => {
      parseSaved(text.slice(0, at) + inserted + text.slice(at + length), OFFSET_MS)
    }),
  )
  fc.assert(fc.property(fc.json(), (json) => void parseSaved(json, OFFSET_MS)))
})
