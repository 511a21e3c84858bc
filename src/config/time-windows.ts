/** The text form of time windows: `Mon-Fri 08:00-18:00 Europe/Berlin, Sat 09:00-12:00`. */
import { nearest } from '../base/suggest.js'
import { EVERY_DAY, MINUTES_PER_DAY, type TimeWindow } from '../base/time-window.js'
import { isZone } from '../base/zone-offset.js'

/** `why` is a whole clause that names the wrong part: `unknown time zone 'Berlin'`. */
export type WindowsReading =
  | { readonly kind: 'windows'; readonly windows: readonly TimeWindow[] }
  | { readonly kind: 'bad'; readonly why: string }

/** In the order of `Date`. */
export const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

const DAY_SPAN = /^([a-z]{3})(?:-([a-z]{3}))?$/i
/** Days that are written out, for a better message. */
const FULL_DAY = /^(?:sun|mon|tues|wednes|thurs|fri|satur)day/i
const HOUR_SPAN = /^(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)$/
/** Text that is meant as hours. */
const LIKE_HOURS = /^\d/

interface Hours {
  readonly fromMinute: number
  readonly toMinute: number
}

/** The parts of one window of a list, as far as they are given. */
interface Parts {
  readonly text: string
  days: number
  readonly hours: Hours[]
  zone: string | undefined
}

/**
 * Reads windows separated by commas. Each has days, hours and a zone in any order, parts separated by spaces: days
 * (`Mon`, `Mon-Fri`, `Fri-Mon`) default to every day, hours (`08:00-18:00`, `22:00-06:00`, `18:00-24:00`) to the whole
 * day. Several days or hours of a window combine. A zone that is the only one of the list applies to all of its
 * windows; without any it is `defaultZone`.
 */
export function parseTimeWindows(text: string, defaultZone: string): WindowsReading {
  const list: Parts[] = []
  for (const part of text.split(',')) {
    const parts = readParts(part.trim())
    if (typeof parts === 'string') return { kind: 'bad', why: parts }
    list.push(parts)
  }
  const why = ambiguity(list)
  if (why !== undefined) return { kind: 'bad', why }
  // `ambiguity` has rejected lists in which only some of several zones are missing.
  const zone = list.find((parts) => parts.zone !== undefined)?.zone ?? defaultZone
  return { kind: 'windows', windows: list.flatMap((parts) => windowsOf(parts, parts.zone ?? zone)) }
}

/** Whether a word can only be part of a time window. Words that are none of a known form are no parts. */
export function isTimeWord(word: string): boolean {
  return LIKE_HOURS.test(word) || word.includes('/') || typeof daysOf(word) === 'number' || isZone(word)
}

/** The parts of one window, or what is wrong with it. */
function readParts(text: string): Parts | string {
  const parts: Parts = { text, days: 0, hours: [], zone: undefined }
  if (text === '') return "an empty time window: expected one such as 'Mon-Fri 08:00-18:00 Europe/Berlin'"
  for (const word of text.split(/\s+/)) {
    const why = addWord(parts, word)
    if (why !== undefined) return why
  }
  return parts
}

/** Returns what is wrong with the word. */
function addWord(parts: Parts, word: string): string | undefined {
  const days = daysOf(word)
  if (typeof days === 'number') parts.days |= days
  else if (LIKE_HOURS.test(word)) {
    const hours = hoursOf(word)
    if (typeof hours === 'string') return hours
    parts.hours.push(hours)
  } else if (!isZone(word)) return days ?? wrongZone(word)
  else if (parts.zone !== undefined)
    return `'${parts.text}' has two time zones, '${parts.zone}' and '${word}'`
  else parts.zone = word
  return undefined
}

/** The days as bits; a text if it is written like days and is wrong; undefined if it is something else. */
function daysOf(word: string): number | string | undefined {
  if (FULL_DAY.test(word)) return `'${word}': days have three letters, as in 'Mon' or 'Mon-Fri'`
  const [, first, last = first] = DAY_SPAN.exec(word.toLowerCase()) ?? []
  if (first === undefined || last === undefined) return undefined
  const [from, to] = [DAYS.indexOf(first), DAYS.indexOf(last)]
  if (from < 0 || to < 0) {
    // A zone such as CET is written like a day.
    return isZone(word)
      ? undefined
      : `'${word}' is neither a day (Mon, Tue, Wed, Thu, Fri, Sat, Sun) nor a time zone`
  }
  // Wraps around: `Fri-Mon` has four days.
  let bits = 1 << to
  for (let day = from; day !== to; day = (day + 1) % DAYS.length) bits |= 1 << day
  return bits
}

function hoursOf(word: string): Hours | string {
  const [, fromHour, fromMinutes, toHour, toMinutes] = HOUR_SPAN.exec(word) ?? []
  if (fromHour === undefined) return `'${word}': hours are written as '08:00-18:00', without spaces`
  const fromMinute = minuteOf(fromHour, fromMinutes)
  const toMinute = minuteOf(toHour, toMinutes)
  if (fromMinute === undefined || toMinute === undefined || fromMinute === MINUTES_PER_DAY)
    return `'${word}': hours are '00:00' to '23:59', and '24:00' as an end`
  if (fromMinute === toMinute) return `'${word}' is empty: the whole day is '00:00-24:00'`
  return { fromMinute, toMinute }
}

/** Undefined if there is no such time. */
export function minuteOf(hours: string | undefined, minutes: string | undefined): number | undefined {
  const minute = Number(hours) * 60 + Number(minutes)
  // 24:00 is the end of the day.
  return Number(minutes) < 60 && minute <= MINUTES_PER_DAY ? minute : undefined
}

export function wrongZone(word: string): string {
  if (word === '-') return "a lone '-': write 'Mon-Fri' and '08:00-18:00' without spaces"
  const guess = nearest(word, Intl.supportedValuesOf('timeZone'))
  const advice =
    guess === undefined ? "write one such as 'Europe/Berlin', 'UTC' or '+02:00'" : `did you mean '${guess}'?`
  return `unknown time zone '${word}': ${advice}`
}

/**
 * In `Mon, Wed 08:00-18:00` the hours may be meant for both days, and a zone for the windows before or after it: such
 * lists are rejected.
 */
function ambiguity(list: readonly Parts[]): string | undefined {
  const withDays = list.find(({ days }) => days !== 0)
  const withHours = list.find(({ hours }) => hours.length > 0)
  const noDays = list.find(({ days }) => days === 0)
  const noHours = list.find(({ hours }) => hours.length === 0)
  if (withHours !== undefined && noHours !== undefined)
    return (
      `'${noHours.text}' has no hours, other windows of the list have: write '00:00-24:00' for the whole day; several ` +
      "days of one window are separated by spaces, as in 'Mon Wed 08:00-18:00'"
    )
  if (withDays !== undefined && noDays !== undefined)
    return (
      `'${noDays.text}' has no days, other windows of the list have: write 'Sun-Sat' for every day; several hours of ` +
      "one window are separated by spaces, as in 'Mon 08:00-12:00 13:00-17:00'"
    )
  const zoned = list.filter(({ zone }) => zone !== undefined)
  const noZone = list.find(({ zone }) => zone === undefined)
  if (zoned.length > 1 && noZone !== undefined)
    return `'${noZone.text}' has no time zone, several other windows of the list have: write one for each window`
  return undefined
}

function windowsOf({ days, hours }: Parts, zone: string): readonly TimeWindow[] {
  const spans = hours.length > 0 ? hours : [{ fromMinute: 0, toMinute: MINUTES_PER_DAY }]
  return spans.map((span) => ({ days: days === 0 ? EVERY_DAY : days, ...span, zone }))
}
