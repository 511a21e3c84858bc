/** Value types for ports: one, or lists and ranges. */
import { addressDirectives } from './address-advice.js'
import { parsePort } from './address-types.js'
import { type Refusal, refuseText } from './expectation.js'
import { type Located, located } from './located.js'
import type { Problems } from './problems.js'
import { isText } from './token.js'
import { commaList, oneToken, type ValueType } from './value-type.js'

/** Ports from `first` to `last`, inclusive. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** One port, or several in the order of the configuration. */
export type Ports = number | readonly PortRange[]

const RANGE = /^(\d+)-(\d+)$/

const portRange = oneToken<PortRange>('PORT[-PORT]', (text, { names }) => {
  const [, low, high] = RANGE.exec(text) ?? []
  if (low !== undefined && high !== undefined) return parseRange(text, parsePort(low), parsePort(high))
  // services(5): most names have the same port for both protocols.
  const port = parsePort(text) ?? names.service(text, 'tcp') ?? names.service(text, 'sctp')
  return port === undefined
    ? refuseText('a port from 0 to 65535 or the name of a service', text, portHint(text))
    : { first: port, last: port }
})

const ranges = commaList(located(portRange))

/** `80`, `ssh`, `8000-8099`, `80, 443, 8000-8009`. */
export const ports: ValueType<Ports> = {
  grammar: ranges.grammar,
  read(input) {
    const given = ranges.read(input)
    // Each port becomes a listener, so a duplicate could not be bound.
    if (given === undefined || !areDistinct(given, input.problems)) return undefined
    return simplest(given.map(({ value }) => value))
  },
}

/** A port that a client can connect to. */
export const clientPort = oneToken('PORT', (text, { names }) => {
  const port = parsePort(text) ?? names.service(text, 'tcp') ?? names.service(text, 'sctp')
  return port || refuseText('a port from 1 to 65535 or the name of a service', text)
})

/** Like `ports`, for comparisons: port 0 is none. */
export const routePorts: ValueType<readonly PortRange[]> = {
  grammar: ports.grammar,
  read(input) {
    const { position } = input.tokens.peek()
    const given = ports.read(input)
    if (given === 0) input.problems.error(position, 'port 0 is no port that a client can connect to')
    if (given === undefined || given === 0) return undefined
    return typeof given === 'number' ? [{ first: given, last: given }] : given
  },
}

/** Like `ports`, or `same`: the port that the client connected to. */
export const remotePorts: ValueType<Ports | 'same'> = {
  grammar: `${ports.grammar}|same`,
  read(input) {
    const token = input.tokens.peek()
    if (!isText(token) || token.text.toLowerCase() !== 'same') return ports.read(input)
    input.tokens.next()
    return 'same'
  },
}

/** All ports, one by one. */
export function portList(given: Ports): readonly number[] {
  if (typeof given === 'number') return [given]
  return given.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, i) => first + i))
}

/** Number of ports, computed without the list. */
export function portCount(given: Ports): number {
  return typeof given === 'number' ? 1 : given.reduce((sum, { first, last }) => sum + last - first + 1, 0)
}

/** Formats ports as one word: `80,443,8000-8009`. */
export function formatPorts(given: Ports): string {
  if (typeof given === 'number') return String(given)
  return given.map(({ first, last }) => (first === last ? String(first) : `${first}-${last}`)).join()
}

/** Hint for an address in place of a port, and for a range in the notation of other programs. */
function portHint(text: string): string | undefined {
  const [, first, last] = /^(\d+):(\d+)$/.exec(text) ?? []
  const directives = first === undefined ? addressDirectives(text) : `port = ${first}-${last}`
  return directives?.includes('port = ') ? `write '${directives}'` : undefined
}

function parseRange(text: string, first: number | undefined, last: number | undefined): PortRange | Refusal {
  const isRange = first !== undefined && last !== undefined && first > 0 && first <= last
  return isRange ? { first, last } : refuseText('a range of ports from 1 to 65535, the lower one first', text)
}

/** Reports the first duplicate port, or a port 0 in a list. */
function areDistinct(given: readonly Located<PortRange>[], problems: Problems): boolean {
  for (const [i, { value, position }] of given.entries()) {
    const { first, last } = value
    const other = given
      .slice(0, i)
      .find(({ value: earlier }) => earlier.first <= last && first <= earlier.last)
    if (other !== undefined)
      problems.error(position, `port ${Math.max(first, other.value.first)} is given twice`)
    else if (first === 0 && given.length > 1)
      problems.error(position, 'port 0 (chosen by the system) cannot be part of a list')
    else continue
    return false
  }
  return true
}

function simplest(given: readonly PortRange[]): Ports {
  const [only] = given
  return only !== undefined && given.length === 1 && only.first === only.last ? only.first : given
}
