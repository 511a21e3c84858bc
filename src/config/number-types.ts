/** Value types for numbers, sizes, times, file modes and yes/no. */
import { type Refusal, refuseText, refuseWord } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

export const INT_MAX = 2 ** 31 - 1
export const UINT_MAX = 2 ** 32 - 1

// `64k`, `64kb`, `0x10`, `+5`.
const NUMBER = /^([+-]?)(0x[0-9a-f]+|\d+)(?:([kmg])b?)?$/i
const MULTIPLIERS: Readonly<Record<string, number>> = { k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }

const DURATION = /^(\d+(?:\.\d+)?)(ms|[smhd]?)$/
const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
}
/** Tolerance for fractions of a unit, which are not exact in binary: 0.29 s is 290.00000000000006 ms. */
const ROUNDING_MS_MAX = 1e-3

export interface Range {
  readonly min?: number
  readonly max?: number
}

/** A whole number in decimal or hex, optionally with the suffix k, m or g (powers of 1024). */
export function count({ min = 0, max = INT_MAX }: Range = {}, grammar = 'N'): ValueType<number> {
  return oneToken(grammar, (text) => {
    const value = parseCount(text)
    if (value === undefined) return refuseText('a whole number', text)
    return value < min || value > max ? refuseText(`a number from ${min} to ${max}`, text) : value
  })
}

export const bytes = count({}, 'BYTES')

/** Undefined if the text is no number; infinite if the number overflows. */
export function parseCount(text: string): number | undefined {
  const match = NUMBER.exec(text)
  if (match === null) return undefined
  const [, sign, digits, letter = ''] = match
  const value = Number(digits) * (MULTIPLIERS[letter.toLowerCase()] ?? 1)
  // `0 - value` instead of `-value`: there is no negative zero.
  return sign === '-' ? 0 - value : value
}

const DECIMAL = /^\d+(?:\.\d+)?$/

/** A number that may have a fraction. */
export function decimal({ min, max }: Required<Range>): ValueType<number> {
  return oneToken('NUMBER', (text) => {
    if (!DECIMAL.test(text)) return refuseText('a number', text)
    const value = Number(text)
    return value < min || value > max ? refuseText(`a number from ${min} to ${max}`, text) : value
  })
}

const PERCENT = /^(\d+)%?$/

/** `20%`, or the number alone. */
export function percent({ min = 0, max }: Range & { readonly max: number }): ValueType<number> {
  const read = (text: string) => {
    const value = Number(PERCENT.exec(text)?.[1])
    if (Number.isNaN(value)) return refuseText('a percentage as in 20%', text)
    return value < min || value > max ? refuseText(`a percentage from ${min}% to ${max}%`, text) : value
  }
  return oneToken('PERCENT', read, { format: (value) => `${value}%` })
}

/** A time for our own timers; a number without a unit is in seconds. Bounds and value are in milliseconds. */
export function time({ min = 0, max = INT_MAX * 1000 }: Range = {}): ValueType<number> {
  return oneToken('TIME', (text) => parseTime(text, 1, min, max), { format: formatTime })
}

/** A time that the kernel counts in whole seconds. Bounds are in seconds, the value is in milliseconds. */
export function wholeSeconds({ min = 0, max = INT_MAX }: Range = {}): ValueType<number> {
  return oneToken('SECONDS', (text) => parseTime(text, 1000, min * 1000, max * 1000), { format: formatTime })
}

/** `stepMs`: the resolution. */
export function parseTime(text: string, stepMs: number, min: number, max: number): number | Refusal {
  const [, digits = '', unit = ''] = DURATION.exec(text) ?? []
  const exact = Number(digits) * (UNIT_MS[unit] ?? 0)
  if (digits === '') return refuseText('a time in seconds, or with a unit as in 90s, 15m, 2h, 1d', text)
  const ms = Math.round(exact)
  if (ms % stepMs !== 0 || Math.abs(exact - ms) > ROUNDING_MS_MAX) {
    return refuseText(`a time in whole ${stepMs === 1 ? 'milliseconds' : 'seconds'}`, text)
  }
  if (ms < min || ms > max) {
    return refuseText(`a time from ${formatTime(min)} to ${formatTime(max)} seconds`, text)
  }
  return ms
}

function formatTime(ms: number): string {
  return String(ms / 1000)
}

/** The mode of a file, in octal. The hint is for `mode tcp` of HAProxy. */
export const fileMode = oneToken(
  'OCTAL',
  (text) =>
    /^[0-7]{1,5}$/.test(text)
      ? Number.parseInt(text, 8) & 0o7777
      : refuseText(
          'an octal file mode',
          text,
          text === 'tcp' ? "'protocol = TCP' is the default" : undefined,
        ),
  { format: (mode) => mode.toString(8).padStart(4, '0') },
)

// biome-ignore format: pairs read as the table they are
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['yes', true], ['permit', true], ['true', true], ['on', true], ['1', true],
  ['no', false], ['deny', false], ['false', false], ['off', false], ['0', false],
])

/** The words that messages suggest. */
export const BOOLEAN_WORDS: readonly string[] = ['yes', 'no']

export function parseBoolean(text: string): boolean | undefined {
  return BOOLEANS.get(text.toLowerCase())
}

/** Yes or no; a directive without a value means yes. */
export const yesNo: ValueType<boolean> = oneToken(
  'yes|no',
  (text) => parseBoolean(text) ?? refuseWord(BOOLEAN_WORDS, text),
  {
    format: (value) => (value ? 'yes' : 'no'),
    bare: { value: true, isValue: (text) => parseBoolean(text) !== undefined },
  },
)
