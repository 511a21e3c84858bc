/**
 * Access lists about networks. Read this folder from here: `identity-list.ts` is the list for clients of Unix
 * sockets, `rule-name.ts` names rules in logs, `authorization.ts` decides what MAVIS is asked.
 */
import type { Network } from '../base/cidr.js'
import type { RuleEntries } from './rule-entries.js'
import { NO_RULE, type RulePlace, ruleName } from './rule-name.js'

/** One `permit` or `deny` about networks. */
export interface NetworkRule {
  readonly isPermit: boolean
  /** `not`: applies to clients of all other networks instead. */
  readonly isNegated: boolean
  readonly networks: readonly Network[]
  /** Its place in the configuration. */
  readonly position?: RulePlace
}

/** A `permit` or `deny` whose networks are the entries of a file. Each entry is a rule with a place in that file. */
export interface FileRule {
  readonly isPermit: boolean
  /** `not`: one rule, which applies to clients outside of all entries. */
  readonly isNegated: boolean
  readonly file: string
  readonly entries: RuleEntries
  /** Its place in the configuration. */
  readonly position?: RulePlace
}

/**
 * An IPv6 address as a string of 16 characters, one per byte, which sorts like the address. Used for compiling only.
 */
type Key = string

/** Addresses from `from` up to, but not including, `to`. */
interface Span {
  readonly from: Key
  readonly to: Key
}

/** A rule, or an entry of a file, with the addresses that it applies to. */
interface Claim {
  readonly isPermit: boolean
  /** Sorted, without overlaps. */
  readonly spans: readonly Span[]
  readonly place: RulePlace | undefined
}

const FIRST: Key = '\0'.repeat(16)
/** Sorts behind every address. */
const END: Key = '\u0100'

/** Bytes per address. */
const BYTES = 16

/** 32-bit words per address. */
export const WORDS = 4

/** The third word of IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2). */
const MAPPED_WORD = orderly(0x0000_ffff)
const ZERO_WORD = orderly(0)

/** Compiled rules: plain data that can cross to another thread. */
export interface AccessTable {
  /** First addresses of the ranges, WORDS each, sorted; the first one is the lowest address. */
  readonly starts: Int32Array
  /** By range, 1: clients are admitted. */
  readonly answers: Uint8Array
  /**
   * By range the place of the rejecting rule: the index of its file, -1 if no rule applies, and its line. Numbers, because
   * a table may have 100,000 places and goes to every reactor.
   */
  readonly files: readonly string[]
  readonly fileOf: Int32Array
  readonly lineOf: Int32Array
}

/** Without rules every client is admitted. */
export const EVERYBODY: AccessTable = tableOf([FIRST], [true], [undefined])

/**
 * Compiles rules into sorted ranges of addresses: the first matching rule decides, and clients that match none are
 * rejected. 100,000 rules take a good part of a second, so this must not run on a reactor.
 */
export function compileAccess(rules: readonly (NetworkRule | FileRule)[]): AccessTable {
  if (rules.length === 0) return EVERYBODY
  const claims = rules.flatMap(claimsOf)
  const edges = sortedEdges(claims)
  const painted = paint(claims, edges)
  const isChange = (i: number) => i === 0 || answerOf(painted[i], claims) !== answerOf(painted[i - 1], claims)
  const changes = [...edges.keys()].filter(isChange)
  const answers = changes.map((i) => answerOf(painted[i], claims))
  return tableOf(
    changes.map((i) => edges[i] as Key),
    answers.map((answer) => answer === true),
    answers.map((answer) => (typeof answer === 'object' ? answer.place : undefined)),
  )
}

/** True: admitted. Otherwise the claim that rejects, undefined if none applies. */
function answerOf(index: number | undefined, claims: readonly Claim[]): true | Claim | undefined {
  const claim = index === undefined ? undefined : claims[index]
  return claim?.isPermit === true ? true : claim
}

/** Decides by binary search, whatever the number of rules. Allocates nothing per client. */
export class AccessList {
  readonly #table: AccessTable
  readonly #asked = new Int32Array(WORDS)
  /** The range of the last client. */
  #found = 0

  constructor(table: AccessTable) {
    this.#table = table
  }

  /** `bytes`: the 4 or 16 bytes of the client's address, from `at` on. */
  admits(bytes: Uint8Array, at = 0, byteCount: number = bytes.length): boolean {
    return this.#table.answers[this.rangeOf(bytes, at, byteCount)] === 1
  }

  /** The index of the range that contains an address. */
  rangeOf(bytes: Uint8Array, at: number, byteCount: number): number {
    const asked = this.#asked
    if (byteCount === 16) {
      for (let word = 0; word < WORDS; word++) asked[word] = wordAt(bytes, at + word * 4)
    } else {
      asked[0] = ZERO_WORD
      asked[1] = ZERO_WORD
      asked[2] = MAPPED_WORD
      asked[3] = wordAt(bytes, at)
    }
    this.#found = lastUpTo(this.#table.starts, asked)
    return this.#found
  }

  /** The rule that rejected the last client. */
  get rule(): string {
    const { fileOf, files, lineOf } = this.#table
    const file = files[fileOf[this.#found] as number]
    return file === undefined ? NO_RULE : ruleName({ file, line: lineOf[this.#found] as number })
  }
}

function claimsOf(rule: NetworkRule | FileRule): readonly Claim[] {
  const { isNegated, isPermit, position: place } = rule
  const spans = 'file' in rule ? spansIn(rule.entries) : rule.networks.map(spanOf)
  if (isNegated) return [{ isPermit, place, spans: gapsOf(unionOf(spans)) }]
  if (!('file' in rule)) return [{ isPermit, place, spans: unionOf(spans) }]
  const { entries, file } = rule
  return spans.map((span, i) => ({
    isPermit,
    spans: [span],
    place: { file, line: entries.lines[i] as number },
  }))
}

function spansIn({ bounds, lines }: RuleEntries): readonly Span[] {
  return Array.from(lines, (_, i) => {
    const [from, last] = [i * 2 * BYTES, (i * 2 + 1) * BYTES]
    const to = keyBehind(bounds.subarray(last, last + BYTES), BYTES * 8)
    return { from: keyOf(bounds.subarray(from, from + BYTES)), to }
  })
}

function unionOf(spans: readonly Span[]): readonly Span[] {
  const union: Span[] = []
  for (const span of [...spans].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = union.at(-1)
    if (last === undefined || last.to < span.from) union.push(span)
    else if (last.to < span.to) union[union.length - 1] = { from: last.from, to: span.to }
  }
  return union
}

function gapsOf(spans: readonly Span[]): readonly Span[] {
  const froms = [FIRST, ...spans.map(({ to }) => to)]
  const tos = [...spans.map(({ from }) => from), END]
  return froms.map((from, i) => ({ from, to: tos[i] as Key })).filter(({ from, to }) => from < to)
}

function spanOf({ bytes, prefixBits }: Network): Span {
  return { from: keyOf(bytes), to: keyBehind(bytes, prefixBits) }
}

/** The address after the last one of a network. */
function keyBehind(bytes: Uint8Array, prefixBits: number): Key {
  const next = Uint8Array.from(bytes)
  if (prefixBits === 0) return END
  let carry = 1 << (7 - ((prefixBits - 1) % 8))
  for (let i = Math.floor((prefixBits - 1) / 8); i >= 0 && carry > 0; i--) {
    const sum = (next[i] as number) + carry
    next[i] = sum
    carry = sum >> 8
  }
  return carry > 0 ? END : keyOf(next)
}

/** All addresses at which a rule starts or stops applying, and the lowest address. */
function sortedEdges(claims: readonly Claim[]): readonly Key[] {
  const edges = new Set([FIRST])
  for (const { spans } of claims) for (const { from, to } of spans) edges.add(from).add(to)
  edges.delete(END)
  return [...edges].sort()
}

/** For each range between edges the index of the first claim that applies; undefined if none does. */
function paint(claims: readonly Claim[], edges: readonly Key[]): readonly (number | undefined)[] {
  const places = new Map(edges.map((edge, i) => [edge, i]))
  places.set(END, edges.length)
  const painted: (number | undefined)[] = edges.map(() => undefined)
  const free = new NextFree(edges.length)
  for (const [index, { spans }] of claims.entries()) {
    for (const { from, to } of spans) {
      const end = places.get(to) as number
      for (let i = free.from(places.get(from) as number); i < end; i = free.from(i)) {
        painted[i] = index
        free.take(i)
      }
    }
  }
  return painted
}

/** Finds the next free place in nearly constant time: a disjoint-set forest with path halving. */
class NextFree {
  readonly #next: Int32Array

  constructor(count: number) {
    this.#next = Int32Array.from({ length: count + 1 }, (_, i) => i)
  }

  /** The first free place from `i` on; `count` when there is none. */
  from(i: number): number {
    let at = i
    for (let next = this.#next[at] as number; next !== at; next = this.#next[at] as number) {
      this.#next[at] = this.#next[next] as number
      at = next
    }
    return at
  }

  take(i: number): void {
    this.#next[i] = i + 1
  }
}

/** The index of the last start that is not greater than `asked`; there always is one. */
function lastUpTo(starts: Int32Array, asked: Int32Array): number {
  let low = 0
  let high = starts.length / WORDS
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (isUpTo(starts, middle * WORDS, asked)) low = middle
    else high = middle
  }
  return low
}

function isUpTo(starts: Int32Array, at: number, asked: Int32Array): boolean {
  for (let word = 0; word < WORDS; word++) {
    const start = starts[at + word] as number
    const wanted = asked[word] as number
    if (start !== wanted) return start < wanted
  }
  return true
}

/** Maps an unsigned 32-bit word to a signed one in the same order, which V8 keeps unboxed. */
function orderly(word: number): number {
  return word ^ 0x8000_0000
}

function wordAt(bytes: Uint8Array, at: number): number {
  const upper = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return orderly(upper | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number))
}

function tableOf(
  starts: readonly Key[],
  answers: readonly boolean[],
  places: readonly (RulePlace | undefined)[],
): AccessTable {
  const files = [...new Set(places.flatMap((place) => place?.file ?? []))]
  const indexes = new Map(files.map((file, i) => [file, i]))
  const fileOf = Int32Array.from(places, (place) => indexes.get(place?.file ?? '') ?? -1)
  const lineOf = Int32Array.from(places, (place) => place?.line ?? 0)
  return { starts: wordsOf(starts), answers: Uint8Array.from(answers, Number), files, fileOf, lineOf }
}

/** A loop: `from` with a function takes seconds for the 200,000 keys of a long list. */
function wordsOf(keys: readonly Key[]): Int32Array {
  const words = new Int32Array(keys.length * WORDS)
  const bytes = new Uint8Array(BYTES)
  for (const [index, key] of keys.entries()) {
    for (let i = 0; i < BYTES; i++) bytes[i] = key.charCodeAt(i)
    for (let word = 0; word < WORDS; word++) words[index * WORDS + word] = wordAt(bytes, word * 4)
  }
  return words
}

function keyOf(bytes: Uint8Array): Key {
  return String.fromCharCode(...bytes)
}
