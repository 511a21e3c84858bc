import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimeWindow } from '../base/time-window.js'
import { parseTimeWindows } from './time-windows.js'

const EVERY_DAY = 127
const WORKDAYS = 62
const DAY = 1_440
const LOCAL = 'Asia/Tokyo'

/** As `days from-to zone`. */
function shown({ days, fromMinute, toMinute, zone }: TimeWindow): string {
  return `${days} ${fromMinute}-${toMinute} ${zone}`
}

function read(text: string): readonly string[] {
  const reading = parseTimeWindows(text, LOCAL)
  return reading.kind === 'windows' ? reading.windows.map(shown) : [reading.why]
}

test('reads days, hours and a zone in any order', () => {
  const window = `${WORKDAYS} 480-1080 Europe/Berlin`
  const orders = [
    'Mon-Fri 08:00-18:00 Europe/Berlin',
    'Europe/Berlin Mon-Fri 08:00-18:00',
    '08:00-18:00 Europe/Berlin Mon-Fri',
    ' mon-FRI   8:00-18:00 Europe/Berlin ',
    'Mon Tue Wed Thu Fri 08:00-18:00 Europe/Berlin',
    'Mon-Wed Thu-Fri 08:00-18:00 Europe/Berlin',
  ]
  for (const text of orders) assert.deepEqual(read(text), [window], text)
})

test('completes what is left out', () => {
  const rows: Readonly<Record<string, string>> = {
    Sat: `64 0-${DAY} ${LOCAL}`,
    '22:00-06:00': `${EVERY_DAY} 1320-360 ${LOCAL}`,
    'Sun UTC': `1 0-${DAY} UTC`,
    '00:00-24:00 +02:00': `${EVERY_DAY} 0-${DAY} +02:00`,
    'CET 18:00-00:00': `${EVERY_DAY} 1080-0 CET`,
    'Fri-Mon': `${1 + 2 + 32 + 64} 0-${DAY} ${LOCAL}`,
    'Sun-Sat': `${EVERY_DAY} 0-${DAY} ${LOCAL}`,
    'Mon-Mon': `2 0-${DAY} ${LOCAL}`,
  }
  for (const [text, window] of Object.entries(rows)) assert.deepEqual(read(text), [window], text)
})

test('reads several windows, and several hours of one window', () => {
  assert.deepEqual(read('Mon-Fri 08:00-12:00 13:00-17:00 UTC'), [
    `${WORKDAYS} 480-720 UTC`,
    `${WORKDAYS} 780-1020 UTC`,
  ])
  assert.deepEqual(read('Mon 08:00-12:00 UTC, Tue 09:00-10:00 CET'), ['2 480-720 UTC', '4 540-600 CET'])
  assert.deepEqual(read('Sat,Sun'), [`64 0-${DAY} ${LOCAL}`, `1 0-${DAY} ${LOCAL}`])
})

test('the only zone of a list applies to all of its windows', () => {
  const windows = ['2 480-720 UTC', '4 540-600 UTC']
  assert.deepEqual(read('Mon 08:00-12:00, Tue 09:00-10:00 UTC'), windows)
  assert.deepEqual(read('Mon 08:00-12:00 UTC, Tue 09:00-10:00'), windows)
})

test('explains what is wrong', () => {
  const rows: Readonly<Record<string, RegExp>> = {
    '': /^an empty time window/,
    'Mon,': /^an empty time window/,
    Monday: /^'Monday': days have three letters/,
    'Mon-Fry': /^'Mon-Fry' is neither a day .* nor a time zone$/,
    Foo: /^'Foo' is neither a day/,
    '8-18': /^'8-18': hours are written as '08:00-18:00'/,
    '08:00': /^'08:00': hours are written as '08:00-18:00'/,
    '08:00 - 18:00': /^'08:00': hours are written as '08:00-18:00', without spaces$/,
    'Mon - Fri': /^a lone '-'/,
    '08:00-24:01': /^'08:00-24:01': hours are '00:00' to '23:59', and '24:00' as an end$/,
    '08:60-18:00': /hours are '00:00' to '23:59'/,
    '24:00-08:00': /hours are '00:00' to '23:59'/,
    '08:00-08:00': /^'08:00-08:00' is empty: the whole day is '00:00-24:00'$/,
    'Mon Europe/Berln': /^unknown time zone 'Europe\/Berln': did you mean 'Europe\/Berlin'\?$/,
    'Mon Xyzzy/Plugh12345': /^unknown time zone 'Xyzzy\/Plugh12345': write one such as/,
    'Mon +15:00': /^unknown time zone '\+15:00'/,
    'Mon UTC CET': /^'Mon UTC CET' has two time zones, 'UTC' and 'CET'$/,
    'Mon,Wed 08:00-18:00': /^'Mon' has no hours, other windows of the list have: write '00:00-24:00'/,
    'Mon 08:00-12:00,13:00-17:00': /^'13:00-17:00' has no days, other windows of the list have/,
    'Mon UTC,Tue CET,Wed': /^'Wed' has no time zone, several other windows of the list have/,
  }
  for (const [text, why] of Object.entries(rows)) assert.match(read(text).join('; '), why, text)
})
