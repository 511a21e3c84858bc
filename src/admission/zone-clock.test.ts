import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EVERY_DAY, isInWindow, localMinutes, type TimeWindow } from '../base/time-window.js'
import { isInOneOf, ZoneClock } from './zone-clock.js'

const MINUTE_MS = 60_000
const SUNDAY = 1
const MONDAY = 2
const FRIDAY = 32

function window(days: number, from: string, to: string, zone = 'UTC'): TimeWindow {
  const minuteOf = (text: string) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
  return { days, fromMinute: minuteOf(from), toMinute: minuteOf(to), zone }
}

/** Whether a window applies at each of the times. */
function at(one: TimeWindow, ...times: readonly string[]): readonly boolean[] {
  const zoned = new ZoneClock().withOffsets([one])
  return times.map((time) => isInOneOf(zoned, Date.parse(time)))
}

/** How many minutes of a span of time a window applies. */
function minutesOf(one: TimeWindow, from: string, to: string): number {
  const zoned = new ZoneClock().withOffsets([one])
  let count = 0
  for (let ms = Date.parse(from); ms < Date.parse(to); ms += MINUTE_MS) if (isInOneOf(zoned, ms)) count += 1
  return count
}

test('applies from its first minute up to, but not including, its last one', () => {
  // 30 November 2026 is a Monday.
  const times = [
    '2026-11-30T07:59:59.999Z',
    '2026-11-30T08:00Z',
    '2026-11-30T17:59:59.999Z',
    '2026-11-30T18:00Z',
  ]
  assert.deepEqual(at(window(MONDAY, '08:00', '18:00'), ...times), [false, true, true, false])
  assert.deepEqual(at(window(MONDAY, '00:00', '24:00'), '2026-11-29T23:59Z', '2026-11-30T00:00Z'), [
    false,
    true,
  ])
  assert.deepEqual(at(window(MONDAY, '00:00', '24:00'), '2026-11-30T23:59Z', '2026-12-01T00:00Z'), [
    true,
    false,
  ])
})

test('a window over midnight belongs to the day on which it begins', () => {
  const night = window(FRIDAY, '22:00', '06:00')
  // 4 December 2026 is a Friday.
  const times = [
    '2026-12-04T05:00Z',
    '2026-12-04T21:59Z',
    '2026-12-04T22:00Z',
    '2026-12-05T05:59Z',
    '2026-12-05T06:00Z',
  ]
  assert.deepEqual(at(night, ...times), [false, false, true, true, false])
  assert.deepEqual(at(night, '2026-12-05T23:00Z'), [false])
  // From Saturday to Sunday the number of the day begins anew.
  assert.deepEqual(at(window(64, '22:00', '06:00'), '2026-12-06T01:00Z', '2026-12-07T01:00Z'), [true, false])
  assert.deepEqual(at(window(FRIDAY, '22:00', '00:00'), '2026-12-04T23:59Z', '2026-12-05T00:00Z'), [
    true,
    false,
  ])
})

test('uses the wall clock of the zone', () => {
  const berlin = window(MONDAY, '00:00', '01:00', 'Europe/Berlin')
  assert.deepEqual(at(berlin, '2026-11-29T22:59Z', '2026-11-29T23:00Z', '2026-11-30T00:00Z'), [
    false,
    true,
    false,
  ])
  assert.deepEqual(at(berlin, '2026-06-28T21:59Z', '2026-06-28T22:00Z', '2026-06-28T23:00Z'), [
    false,
    true,
    false,
  ])
  const kolkata = window(MONDAY, '00:00', '24:00', '+05:30')
  assert.deepEqual(at(kolkata, '2026-11-29T18:29Z', '2026-11-29T18:30Z', '2026-11-30T18:30Z'), [
    false,
    true,
    false,
  ])
  assert.deepEqual(at(window(SUNDAY, '00:00', '24:00', '-11:00'), '2026-11-30T10:59Z', '2026-11-30T11:00Z'), [
    true,
    false,
  ])
})

test('changes of the clock shorten, repeat or skip windows', () => {
  const spring = ['2026-03-29T00:00:00+01:00', '2026-03-30T00:00:00+02:00'] as const
  const autumn = ['2026-10-25T00:00:00+02:00', '2026-10-26T00:00:00+01:00'] as const
  const minutes = (from: string, to: string, [start, end]: readonly [string, string]) =>
    minutesOf(window(SUNDAY, from, to, 'Europe/Berlin'), start, end)
  assert.equal(minutes('00:00', '24:00', spring), 23 * 60)
  assert.equal(minutes('00:00', '24:00', autumn), 25 * 60)
  assert.equal(minutes('02:00', '03:00', spring), 0, 'skipped')
  assert.equal(minutes('02:00', '03:00', autumn), 120, 'repeated')
  assert.equal(minutes('01:30', '03:30', spring), 60)
  assert.equal(minutes('08:00', '18:00', spring), 10 * 60)
  assert.equal(minutes('08:00', '18:00', autumn), 10 * 60)
})

test('knows the day of the week before 1970 too', () => {
  assert.equal(isInWindow(window(EVERY_DAY, '00:00', '24:00'), localMinutes(-1, 0)), true)
  // 31 December 1969 was a Wednesday.
  assert.equal(isInWindow(window(8, '23:59', '24:00'), localMinutes(-1, 0)), true)
  assert.equal(isInWindow(window(16, '00:00', '24:00'), localMinutes(-1, 0)), false)
})
