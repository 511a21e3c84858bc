import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { AccessTimes, parseAccessTime } from './access-time.js'

test('reads the times that Date writes', () => {
  const times = new AccessTimes()
  const ms = fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) })
  fc.assert(
    fc.property(ms, (ms) => {
      const text = new Date(ms).toISOString()
      assert.equal(parseAccessTime(text), ms)
      assert.equal(times.parse(text), ms)
      assert.equal(times.parse(text), ms, 'of the same second')
    }),
  )
})

test('reads the times of syslog daemons and journalctl', () => {
  const ms = Date.UTC(2026, 10, 22, 10, 41, 3)
  for (const [text, expected] of [
    ['2026-11-22T10:41:03Z', ms],
    ['2026-11-22T11:41:03+01:00', ms],
    ['2026-11-22T11:41:03+0100', ms],
    ['2026-11-22T05:11:03.25-05:30', ms + 250],
    ['2026-11-22T10:41:03.123456+00:00', ms + 123],
    ['2026-11-22T10:41:03,9996Z', ms + 999],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ] as const) {
    assert.equal(parseAccessTime(text), expected, text)
    assert.equal(new AccessTimes().parse(text), expected, text)
  }
})

test('anything else is no time', () => {
  const texts = [
    '',
    'yesterday',
    '2026-11-22',
    '2026-11-22T10:41Z',
    '2026-11-22T10:41:03',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-02-29T00:00:00Z',
    '2026-11-31T00:00:00.000Z',
    '2026-11-22T24:00:00Z',
    '2026-11-22T10:60:00Z',
    '2026-11-22T10:41:61Z',
    '2026-11-22T10:41:03.4x1Z',
    '2026-11-22T10:41:03+99:00',
  ]
  for (const text of texts) {
    assert.ok(Number.isNaN(parseAccessTime(text)), text)
    assert.ok(Number.isNaN(new AccessTimes().parse(text)), text)
  }
})
