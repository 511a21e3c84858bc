/** Weekly time windows in the local time of a zone, as conditions of routes. */

/**
 * Days and hours by the wall clock of a zone. When the clock is put back, a window within the repeated hour applies
 * twice; when it is put forward, a window within the skipped hour does not apply.
 */
export interface TimeWindow {
  /** Bit 0 is Sunday, as in `Date`. The day is the one on which the window begins. */
  readonly days: number
  /** Minutes since midnight. If `fromMinute` is above `toMinute`, the window ends on the next day. */
  readonly fromMinute: number
  /** Not included; 1440 is the end of the day. */
  readonly toMinute: number
  /** `UTC`, `Europe/Berlin`, `+05:30` */
  readonly zone: string
}

export const MINUTES_PER_DAY = 1_440
export const EVERY_DAY = 0b111_1111
const DAYS_PER_WEEK = 7
/** 1 January 1970. */
const THURSDAY = 4
const MS_PER_MINUTE = 60_000

/** Minutes of the local time of a zone since 1 January 1970, 00:00 local time. */
export function localMinutes(epochMs: number, offsetMinutes: number): number {
  return Math.floor(epochMs / MS_PER_MINUTE) + offsetMinutes
}

/** `minutes` are those of `localMinutes` in the zone of the window. */
export function isInWindow({ days, fromMinute, toMinute }: TimeWindow, minutes: number): boolean {
  const dayNumber = Math.floor(minutes / MINUTES_PER_DAY)
  const minute = minutes - dayNumber * MINUTES_PER_DAY
  const isAfterStart = minute >= fromMinute
  const isBeforeEnd = minute < toMinute
  if (fromMinute <= toMinute) return isAfterStart && isBeforeEnd && hasDay(days, dayNumber)
  return (isAfterStart && hasDay(days, dayNumber)) || (isBeforeEnd && hasDay(days, dayNumber - 1))
}

function hasDay(days: number, dayNumber: number): boolean {
  const weekday = (((dayNumber + THURSDAY) % DAYS_PER_WEEK) + DAYS_PER_WEEK) % DAYS_PER_WEEK
  return ((days >> weekday) & 1) === 1
}
