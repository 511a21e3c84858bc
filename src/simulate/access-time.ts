/** Reads the times of access logs. */

const DAY_MS = 86_400_000

/**
 * ISO 8601 as this program writes it (`2026-11-22T11:41:03.471Z`), and as syslog daemons and journalctl do: other fractions
 * of a second, and an offset instead of `Z`.
 */
const TIME = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?:Z|([+-])(\d\d):?(\d\d))$/

/** Whole milliseconds since 1970; NaN for any other text. */
export function parseAccessTime(text: string): number {
  const match = TIME.exec(text)
  if (match === null) return Number.NaN
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number)
  const dayMs = Date.UTC(year, month - 1, day)
  const isDay = new Date(dayMs).getUTCDate() === day && month >= 1 && month <= 12
  // A second of 60 is a leap second.
  if (!isDay || hour > 23 || minute > 59 || second > 60) return Number.NaN
  const [, , , , , , , fraction = '0', sign, hours, minutes] = match
  const offsetMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60_000 * (sign === '-' ? -1 : 1)
  if (Math.abs(offsetMs) > DAY_MS) return Number.NaN
  const ofDayMs = ((hour * 60 + minute) * 60 + second) * 1_000
  return dayMs + ofDayMs - offsetMs + Number(fraction.padEnd(3, '0').slice(0, 3))
}

/** Remembers the last second: most lines have that of the line before. */
export class AccessTimes {
  #second = ''
  #secondMs = Number.NaN

  /** Like `parseAccessTime`. The program's own form of the same second takes the short way. */
  parse(text: string): number {
    if (text.length !== OWN_LENGTH || text[OWN_LENGTH - 1] !== 'Z' || text[SECOND_LENGTH] !== '.') {
      return parseAccessTime(text)
    }
    const second = text.slice(0, SECOND_LENGTH)
    if (second !== this.#second) {
      this.#secondMs = parseAccessTime(`${second}Z`)
      this.#second = second
    }
    return this.#secondMs + threeDigits(text, SECOND_LENGTH + 1)
  }
}

const SECOND_LENGTH = '2026-11-22T11:41:03'.length
const OWN_LENGTH = '2026-11-22T11:41:03.471Z'.length

function threeDigits(text: string, at: number): number {
  let value = 0
  for (let i = at; i < at + 3; i++) {
    const digit = text.charCodeAt(i) - 0x30
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  return value
}
