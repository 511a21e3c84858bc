/** The value type of a moment in a test of routes: `mon 03:00`, `2026-07-06 03:00 Europe/Berlin`. */
import { isZone, ZoneOffset } from '../base/zone-offset.js'
import { localZone, readTimeWords } from './time-window-type.js'
import { DAYS, minuteOf, wrongZone } from './time-windows.js'
import type { ValueType } from './value-type.js'

const WANTED = "a day and a time, such as 'mon 03:00' or 'mon 03:00 Europe/Berlin'"

/** A fixed week, so that the result of a test does not depend on the date of the start. */
const WEEK_OF_TESTS = { year: 2026, month: 1, sunday: 11 }

const MINUTE_MS = 60_000

/** Milliseconds since 1970. */
export const moment: ValueType<number> = {
  grammar: 'DAY HH:MM [ZONE]',
  read(input) {
    const read = readTimeWords(input, WANTED)
    if (read === undefined) return undefined
    const { position, text } = read
    const found = parseMoment(text, localZone())
    if (typeof found === 'number') return found
    input.problems.error(position, found)
    return undefined
  },
}

/** Milliseconds since 1970, or what is wrong with the text. */
export function parseMoment(text: string, defaultZone: string): number | string {
  const [day = '', hours = '', zone, ...more] = text.trim().split(/\s+/)
  const midnightMs = midnightOf(day)
  const [, hour, minutes] = /^(\d{1,2}):(\d\d)$/.exec(hours) ?? []
  const minute = hour === undefined ? undefined : minuteOf(hour, minutes)
  if (midnightMs === undefined || minute === undefined || more.length > 0)
    return `expected ${WANTED}, but got '${[day, hours, zone, ...more].filter(Boolean).join(' ')}'`
  if (zone !== undefined && !isZone(zone)) return wrongZone(zone)
  return inZone(midnightMs + minute * MINUTE_MS, zone ?? defaultZone)
}

/** As if the day was of UTC; undefined: it is none. */
function midnightOf(day: string): number | undefined {
  const weekday = DAYS.indexOf(day.toLowerCase())
  const { month, sunday, year } = WEEK_OF_TESTS
  if (weekday >= 0) return Date.UTC(year, month - 1, sunday + weekday)
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return undefined
  const atMs = Date.parse(`${day}T00:00:00Z`)
  const isReal = !Number.isNaN(atMs) && new Date(atMs).toISOString().startsWith(day)
  return isReal ? atMs : undefined
}

/** The moment at which the clocks of a zone show what the clocks of UTC show at `localMs`. */
function inZone(localMs: number, zone: string): number {
  const offset = new ZoneOffset(zone)
  const guessMs = localMs - offset.minutesAt(localMs) * MINUTE_MS
  return localMs - offset.minutesAt(guessMs) * MINUTE_MS
}
