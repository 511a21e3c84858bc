/** Reads values out of JSON that a server or a file has sent. A value of another kind is a `SourceFailure` with its place. */
import { Buffer } from 'node:buffer'
import { cut, printable } from '../observe/log.js'
import { SourceFailure } from './source-failure.js'

export type JsonObject = Readonly<Record<string, unknown>>

/** Enough to recognise a value. */
const SHOWN_BYTES_MAX = 80

/** Text of others as a part of a log line. */
export function shownText(text: string): string {
  return `"${printable(cut(text, SHOWN_BYTES_MAX))}"`
}

/** A value as a part of a log line. */
export function shownValue(value: unknown): string {
  if (typeof value === 'string') return shownText(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' && value !== null ? 'an object' : String(value)
}

export function expected(place: string, what: string, value: unknown): SourceFailure {
  const found = value === undefined ? '' : `, but got ${shownValue(value)}`
  return new SourceFailure(`${place}: expected ${what}${found}`)
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function objectAt(value: unknown, place: string): JsonObject {
  if (!isObject(value)) throw expected(place, 'an object', value)
  return value
}

export function arrayAt(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw expected(place, 'an array', value)
  return value
}

/** An array that may be missing or null: servers written in Go leave out empty ones. */
export function listAt(value: unknown, place: string): readonly unknown[] {
  return value === undefined || value === null ? [] : arrayAt(value, place)
}

export function textAt(value: unknown, place: string): string {
  if (typeof value !== 'string') throw expected(place, 'a text', value)
  return value
}

export function integerAt(value: unknown, place: string, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  throw expected(place, `${min} … ${max}`, value)
}

/** Bytes in base64, as protocol buffers have them in JSON. */
export function bytesAt(value: unknown, place: string): Buffer {
  const text = value === undefined ? '' : textAt(value, place)
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) throw expected(place, 'base64', value)
  return Buffer.from(text, 'base64')
}

/** A number of 64 bits, which protocol buffers have as a text in JSON; left out if it is zero. */
export function bigNumberAt(value: unknown, place: string): bigint {
  if (value === undefined) return 0n
  if (typeof value === 'string' && /^\d{1,19}$/.test(value)) return BigInt(value)
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return BigInt(value)
  throw expected(place, 'a number', value)
}

/** The value of a text. `what`: begins the failure. */
export function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    if (text.trim() === '') throw new SourceFailure(`${what} is empty`)
    throw new SourceFailure(`${what} is not valid JSON: ${shownText(text)}`)
  }
}
