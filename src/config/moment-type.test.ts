import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInWindow, localMinutes } from '../base/time-window.js'
import { ZoneOffset } from '../base/zone-offset.js'
import { parseMoment } from './moment-type.js'
import { parseTimeWindows } from './time-windows.js'

const at = (text: string, zone = 'UTC') => {
  const found = parseMoment(text, zone)
  return typeof found === 'number' ? new Date(found).toISOString().slice(0, 16) : found
}

test('a date is that day, a weekday one of a fixed week', () => {
  assert.equal(at('2026-07-06 03:00'), '2026-07-06T03:00')
  assert.equal(at('sun 00:00'), '2026-01-11T00:00')
  assert.equal(at('Sat 24:00'), '2026-01-18T00:00')
})

test('the zone is that of the text, or else the default one', () => {
  assert.equal(at('mon 03:00', 'Europe/Berlin'), '2026-01-12T02:00')
  assert.equal(at('mon 03:00 +05:30', 'Europe/Berlin'), '2026-01-11T21:30')
  assert.equal(at('2026-07-06 03:00 Europe/Berlin'), '2026-07-06T01:00')
  // The last hour of summer, and the first one of winter.
  assert.equal(at('2026-10-25 01:59 Europe/Berlin'), '2026-10-24T23:59')
  assert.equal(at('2026-10-25 03:00 Europe/Berlin'), '2026-10-25T02:00')
})

test('explains what is wrong', () => {
  for (const text of ['', 'mon', '03:00', 'mon 3', 'mon 25:00', 'mon 03:00 UTC UTC', '2026-13-01 03:00'])
    assert.match(at(text), /^expected a day and a time, such as 'mon 03:00'/, text)
  assert.match(at('mon 03:00 Europe/Berln'), /^unknown time zone 'Europe\/Berln'/)
})

test('is in the time window that begins with it, in every zone', () => {
  const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
  const zones = ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Asia/Kolkata', 'Pacific/Auckland', '-03:30']
  const pair = (of: number) => String(of).padStart(2, '0')
  fc.assert(
    fc.property(
      fc.constantFrom(...days),
      fc.nat(23),
      fc.nat(59),
      fc.constantFrom(...zones),
      (day, hour, minute, zone) => {
        const time = `${pair(hour)}:${pair(minute)}`
        const epochMs = parseMoment(`${day} ${time} ${zone}`, 'UTC')
        const reading = parseTimeWindows(`${day} ${time}-24:00 ${zone}`, 'UTC')
        assert.ok(typeof epochMs === 'number' && reading.kind === 'windows')
        const offset = new ZoneOffset(zone)
        const isIn = (ms: number) =>
          reading.windows.every((window) => isInWindow(window, localMinutes(ms, offset.minutesAt(ms))))
        assert.deepEqual([isIn(epochMs - 1), isIn(epochMs)], [false, true])
      },
    ),
  )
})
