/** An answer as text for a person: scalars one a line, lists as tables, by the schema of the answer. */
import { formatDuration } from '../../base/duration.js'
import type { Fields, Schema } from '../operations/schema.js'

export interface TextOptions {
  /** Bold headings. */
  readonly hasColours: boolean
  /** All columns. */
  readonly isWide: boolean
}

type Values = Readonly<Record<string, unknown>>

/** `value`: as it was received; what does not match the schema is printed as JSON. */
export function answerText({ fields = {} }: Schema, value: unknown, options: TextOptions): string {
  const values = isObject(value) ? value : {}
  const scalars = Object.entries(fields).filter(
    ([key, field]) => tableOf(field) === undefined && values[key] !== undefined,
  )
  const width = Math.max(0, ...scalars.map(([key]) => wordsOf(key).length))
  const lines = scalars.map(
    ([key, field]) => `${`${wordsOf(key)}:`.padEnd(width + 1)} ${cellText(field, values[key])}\n`,
  )
  const tables = Object.entries(fields).flatMap(([key, field]) => {
    const columns = tableOf(field)
    const rows = values[key]
    if (columns === undefined || !Array.isArray(rows) || (rows.length === 0 && lines.length > 0)) return []
    const heading = lines.length > 0 || Object.keys(fields).length > 1 ? `\n${wordsOf(key)}:\n` : ''
    return [heading + tableText(columns, rows, options)]
  })
  return [...lines, ...tables].join('').replace(/^\n/, '')
}

/** The columns of a list of objects. */
function tableOf({ item, kind }: Schema): Fields | undefined {
  return kind === 'list' && item?.kind === 'object' ? item.fields : undefined
}

function tableText(fields: Fields, rows: readonly unknown[], { hasColours, isWide }: TextOptions): string {
  const columns = Object.entries(fields).filter(([, { isDetail }]) => isWide || isDetail !== true)
  const heads = columns.map(([key]) => wordsOf(key).toUpperCase())
  const cells = rows.map((row) => {
    return columns.map(([key, field]) => cellText(field, isObject(row) ? row[key] : undefined))
  })
  const widths = columns.map((_, i) => Math.max(...[heads, ...cells].map((row) => (row[i] as string).length)))
  const lineOf = (row: readonly string[]) => {
    const padded = row.map((cell, i) => {
      const isNumber = columns[i]?.[1].kind === 'number'
      return isNumber ? cell.padStart(widths[i] as number) : cell.padEnd(widths[i] as number)
    })
    return padded.join('  ').trimEnd()
  }
  const head = lineOf(heads)
  return [hasColours ? `\u001b[1m${head}\u001b[0m` : head, ...cells.map(lineOf)]
    .map((line) => `${line}\n`)
    .join('')
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

function cellText({ kind, unit }: Schema, value: unknown): string {
  if (value === undefined || value === null) return '-'
  if (kind === 'flag') return value === true ? 'yes' : 'no'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map(plainText).join(', ')
  if (typeof value === 'number' && unit === 'bytes') return bytesText(value)
  if (typeof value === 'number' && unit === 'seconds') return formatDuration(value * 1_000)
  return plainText(value)
}

function bytesText(count: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, count)) / 10)))
  return `${power === 0 ? count : (count / 1_024 ** power).toFixed(1)} ${UNITS[power]}`
}

/** Names and reasons come from others: control characters must not reach the terminal. */
function plainText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll(
    /\p{Cc}/gu,
    (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** `bytesToRemote` is `bytes to remote`, `isUp` is `up`. */
function wordsOf(key: string): string {
  return key
    .replace(/^is(?=[A-Z])/, '')
    .replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`)
    .toLowerCase()
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
