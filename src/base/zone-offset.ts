/** Offsets of time zones from UTC. */

/** All offsets in use since 1972 change at multiples of a quarter of an hour UTC. */
const QUARTER_MS = 900_000
/** The largest offset in use, of the Line Islands. */
const HOURS_MAX = 14
/** More than there are zones. */
const ANSWERS_MAX = 1_000

/** `+02:00`, `-0530`, `+2`, each also after `UTC`. */
const FIXED_OFFSET = /^(?:UTC)?([+-])(\d{1,2})(?::?([0-5]\d))?$/i

/** Minutes east of UTC of a zone that is written as an offset; undefined for other zones. */
export function fixedOffset(zone: string): number | undefined {
  if (/^UTC$/i.test(zone)) return 0
  const [, sign, hours = '', minutes = '0'] = FIXED_OFFSET.exec(zone) ?? []
  const offset = Number(hours) * 60 + Number(minutes)
  if (sign === undefined || offset > HOURS_MAX * 60) return undefined
  return sign === '-' ? 0 - offset : offset
}

/** Words that were asked for: a wrong one takes 0.1 ms, and the word behind every time of a configuration is one. */
const answers = new Map<string, boolean>()

/** Whether it is an offset or the name of a zone in the data of this Node: `Europe/Berlin`. */
export function isZone(zone: string): boolean {
  const known = answers.get(zone)
  if (known !== undefined) return known
  const answer = isKnown(zone)
  if (answers.size < ANSWERS_MAX) answers.set(zone, answer)
  return answer
}

function isKnown(zone: string): boolean {
  if (fixedOffset(zone) !== undefined) return true
  // Some versions of Node accept further forms of offsets.
  if (!/^[a-z]/i.test(zone)) return false
  try {
    offsetFormat(zone)
    return true
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** The offset of one zone. Formatting a date takes microseconds, so the result is kept for a quarter of an hour. */
export class ZoneOffset {
  readonly #format: Intl.DateTimeFormat | undefined
  /** The quarter of an hour, counted from 1970, that `#minutes` is about; NaN: none yet. */
  #quarter = Number.NaN
  #minutes: number

  /** Throws a RangeError unless `isZone(zone)`. */
  constructor(zone: string) {
    const fixed = fixedOffset(zone)
    this.#minutes = fixed ?? 0
    this.#format = fixed === undefined ? offsetFormat(zone) : undefined
  }

  /** Minutes east of UTC. */
  minutesAt(epochMs: number): number {
    const quarter = Math.floor(epochMs / QUARTER_MS)
    if (this.#format !== undefined && quarter !== this.#quarter) {
      this.#quarter = quarter
      this.#minutes = readOffset(this.#format, quarter * QUARTER_MS)
    }
    return this.#minutes
  }
}

/** By zone: a format takes 0.2 ms to make, and a configuration may name its zone in every route. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** Throws a RangeError if there is no such zone. */
function offsetFormat(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  formats.set(timeZone, made)
  return made
}

/** Reads `GMT`, `GMT+05:30`; historical offsets may have seconds, which are ignored. */
function readOffset(format: Intl.DateTimeFormat, epochMs: number): number {
  const name = format.formatToParts(epochMs).find(({ type }) => type === 'timeZoneName')?.value ?? ''
  const [, sign, hours = '0', minutes = '0'] = /([+-])(\d+):(\d+)/.exec(name) ?? []
  const offset = Number(hours) * 60 + Number(minutes)
  return sign === '-' ? 0 - offset : offset
}
