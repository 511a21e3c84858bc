import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fixedOffset, isZone, ZoneOffset } from './zone-offset.js'

test('reads offsets', () => {
  const offsets: Readonly<Record<string, number | undefined>> = {
    UTC: 0,
    utc: 0,
    '+02:00': 120,
    '-0530': -330,
    '+2': 120,
    'UTC-5': -300,
    '+14:00': 840,
    '-00:00': 0,
    '+14:01': undefined,
    '+02:60': undefined,
    '02:00': undefined,
    '+': undefined,
    'Etc/GMT+2': undefined,
  }
  for (const [zone, minutes] of Object.entries(offsets)) assert.equal(fixedOffset(zone), minutes, zone)
})

test('knows the names of zones', () => {
  for (const zone of ['Europe/Berlin', 'europe/berlin', 'CET', 'GMT', 'Etc/GMT+2', '+05:30'])
    assert.equal(isZone(zone), true, zone)
  for (const zone of ['', 'Berlin', 'CEST', 'Mon', '+99:00', '+15', '08:00'])
    assert.equal(isZone(zone), false, zone)
  assert.throws(() => new ZoneOffset('Berlin'), RangeError)
})

test('follows changes to and from daylight saving time to the millisecond', () => {
  const rows: readonly (readonly [zone: string, change: string, before: number, after: number])[] = [
    ['Europe/Berlin', '2026-03-29T01:00:00Z', 60, 120],
    ['Europe/Berlin', '2026-10-25T01:00:00Z', 120, 60],
    ['America/New_York', '2026-03-08T07:00:00Z', -300, -240],
    // By half an hour, at half past the hour UTC.
    ['Australia/Lord_Howe', '2026-10-03T15:30:00Z', 630, 660],
    ['Asia/Kolkata', '2026-03-29T01:00:00Z', 330, 330],
  ]
  for (const [zone, change, before, after] of rows) {
    const offset = new ZoneOffset(zone)
    const changeMs = Date.parse(change)
    assert.deepEqual(
      [-3_600_000, -1, 0, 1, -1, 3_600_000].map((ms) => offset.minutesAt(changeMs + ms)),
      [before, before, after, after, before, after],
      zone,
    )
  }
})

test('formats one date per quarter of an hour', (t) => {
  const format = t.mock.method(Intl.DateTimeFormat.prototype, 'formatToParts')
  const offset = new ZoneOffset('Europe/Berlin')
  const start = Date.parse('2026-06-01T10:00:00Z')
  for (let ms = 0; ms < 900_000; ms += 1_000) assert.equal(offset.minutesAt(start + ms), 120)
  assert.equal(format.mock.callCount(), 1)
  offset.minutesAt(start + 900_000)
  assert.equal(format.mock.callCount(), 2)
})
