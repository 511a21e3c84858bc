/** Indexes of routes by ranges: networks of clients, and ports. */
import { AccessList } from './access-list.js'
import { type AccessTable, WORDS } from './access-table.js'
import type { AscendingMerge } from './ascending-merge.js'
import type { FactIndex, NumberedRoute } from './fact-index.js'
import type { RouteFacts } from './route-facts.js'
import { SpanIndex } from './span-index.js'

/** An address as 8 characters of 16 bits, which sorts like the address. */
type AddressKey = string

const LOWEST: AddressKey = '\0'.repeat(8)
/** The bit that orders words of an AccessTable as signed numbers. */
const SIGN = 0x8000_0000

/** By the networks of `sources`. */
export class SourceIndex implements FactIndex {
  /** Its ranges are the positions of the spans. */
  readonly #ranges: AccessList
  readonly #spans: SpanIndex

  constructor(routes: readonly NumberedRoute[]) {
    const sources = routes.map(({ conditions, number }) => ({
      number,
      spans: admittedSpans(conditions.sources),
    }))
    // All addresses between two neighbouring edges are in the same spans: a lookup only needs their range.
    const edges = new Set([LOWEST])
    for (const { spans } of sources) {
      for (const { from, to } of spans) {
        edges.add(from)
        if (to !== undefined) edges.add(to)
      }
    }
    const sorted = [...edges].sort()
    const positions = new Map(sorted.map((edge, position) => [edge, position]))
    this.#ranges = new AccessList(rangesFrom(sorted))
    this.#spans = new SpanIndex(sorted.length)
    for (const { number, spans } of sources) {
      for (const { from, to } of spans) {
        const end = to === undefined ? sorted.length : (positions.get(to) as number)
        this.#spans.add(positions.get(from) as number, end, number)
      }
    }
  }

  collect({ address, addressAt, addressByteCount }: RouteFacts, into: AscendingMerge): void {
    if (addressByteCount === 0) return
    this.#spans.collect(this.#ranges.rangeOf(address, addressAt, addressByteCount), into)
  }
}

/** Addresses from `from` up to, but not including, `to`; without it to the last address. */
interface AddressSpan {
  readonly from: AddressKey
  readonly to: AddressKey | undefined
}

function admittedSpans(table: AccessTable | undefined): readonly AddressSpan[] {
  if (table === undefined) return []
  const { answers, starts } = table
  const spans: AddressSpan[] = []
  for (let range = 0; range < answers.length; range++) {
    if (answers[range] !== 1) continue
    const next = range + 1
    const to = next < answers.length ? keyAt(starts, next * WORDS) : undefined
    spans.push({ from: keyAt(starts, range * WORDS), to })
  }
  return spans
}

/** The key of the address at an index of `starts`. */
function keyAt(starts: Int32Array, at: number): AddressKey {
  let key = ''
  for (let word = at; word < at + WORDS; word++) {
    const bits = (starts[word] as number) ^ SIGN
    key += String.fromCharCode(bits >>> 16, bits & 0xffff)
  }
  return key
}

/** Ranges without answers: only `rangeOf` of the list is called. */
function rangesFrom(keys: readonly AddressKey[]): AccessTable {
  const starts = new Int32Array(keys.length * WORDS)
  for (const [range, key] of keys.entries()) {
    for (let word = 0; word < WORDS; word++) {
      const high = key.charCodeAt(word * 2)
      starts[range * WORDS + word] = ((high << 16) | key.charCodeAt(word * 2 + 1)) ^ SIGN
    }
  }
  const none = new Int32Array(keys.length)
  return { starts, answers: new Uint8Array(keys.length), files: [], fileOf: none, lineOf: none }
}

/** By local ports. */
export class PortIndex implements FactIndex {
  /** Ascending; the first one is 0. */
  readonly #starts: readonly number[]
  readonly #spans: SpanIndex

  constructor(routes: readonly NumberedRoute[]) {
    const ports = routes.flatMap(({ conditions, number }) =>
      (conditions.ports ?? []).map(({ from, to }) => ({ number, from, end: to + 1 })),
    )
    const edges = new Set([0])
    for (const { end, from } of ports) edges.add(from).add(end)
    this.#starts = [...edges].sort((a, b) => a - b)
    const positions = new Map(this.#starts.map((start, position) => [start, position]))
    this.#spans = new SpanIndex(this.#starts.length)
    for (const { end, from, number } of ports) {
      this.#spans.add(positions.get(from) as number, positions.get(end) as number, number)
    }
  }

  collect({ localPort }: RouteFacts, into: AscendingMerge): void {
    // Binary search for the last start that is not above the port.
    let low = 0
    let high = this.#starts.length
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((this.#starts[middle] as number) <= localPort) low = middle
      else high = middle
    }
    this.#spans.collect(low, into)
  }
}
