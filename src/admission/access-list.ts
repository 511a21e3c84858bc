import type { Network } from '../base/cidr.js'
import { NO_RULE, type RulePlace, ruleName } from './rule-name.js'

/** One line of an access list, about clients by their addresses. */
export interface NetworkRule {
  readonly isPermit: boolean
  /** Applies to the clients of all other networks instead. */
  readonly isNegated: boolean
  readonly networks: readonly Network[]
  /** Where it is in the configuration. */
  readonly position?: RulePlace
}

/** An address as text of 16 characters, a byte each: compared as the addresses are. Rules are put together with it. */
type Key = string

/** Addresses from `from` on, up to but without `to`. */
interface Span {
  readonly from: Key
  readonly to: Key
}

const FIRST: Key = '\0'.repeat(16)
/** Behind every address. */
const END: Key = '\u0100'

/** Words that an address is compared by. */
const WORDS = 4

/** What IPv4 addresses have before them when they are written as IPv6 (RFC 4291, 2.5.5.2), as such a word. */
const MAPPED_WORD = orderly(0x0000_ffff)
const ZERO_WORD = orderly(0)

/** Rules, ready to be asked: plain data that can cross to another thread. */
export interface AccessTable {
  /** Where an answer begins to hold, WORDS for each; the first one for the lowest address. Sorted. */
  readonly starts: Int32Array
  /** 1: may connect. */
  readonly answers: Uint8Array
  /** Names of the rules that reject somebody, and for each answer the index of its rule there; -1: of none. */
  readonly rules: readonly string[]
  readonly ruleOf: Int32Array
}

/** Without a rule everybody may connect. */
export const EVERYBODY: AccessTable = tableOf([FIRST], [true], [undefined])

/**
 * Turns rules into one sorted row of addresses at which the answer changes: the first rule that applies decides, and
 * a list without one rejects. With 100,000 rules that takes a good part of a second, so it is not for a reactor.
 */
export function compileAccess(rules: readonly NetworkRule[]): AccessTable {
  if (rules.length === 0) return EVERYBODY
  const spans = rules.map(spansOf)
  const edges = sortedEdges(spans)
  const painted = paint(spans, edges)
  const isChange = (i: number) => i === 0 || answerOf(painted[i], rules) !== answerOf(painted[i - 1], rules)
  const changes = [...edges.keys()].filter(isChange)
  const answers = changes.map((i) => answerOf(painted[i], rules))
  return tableOf(
    changes.map((i) => edges[i] as Key),
    answers.map((answer) => answer === true),
    answers.map((answer) => (typeof answer === 'object' ? ruleName(answer.position) : undefined)),
  )
}

/** True: may connect. Otherwise the rule that rejects, undefined where none applies. */
function answerOf(index: number | undefined, rules: readonly NetworkRule[]): true | NetworkRule | undefined {
  const rule = index === undefined ? undefined : rules[index]
  return rule?.isPermit === true ? true : rule
}

/** Who may connect: a search by halves, whatever the number and mixture of the rules. Asking allocates nothing. */
export class AccessList {
  readonly #table: AccessTable
  readonly #asked = new Int32Array(WORDS)
  /** The answer that was found last. */
  #found = 0

  constructor(table: AccessTable) {
    this.#table = table
  }

  /** `bytes`: the 4 or 16 bytes of the client's address, from `at` on. */
  admits(bytes: Uint8Array, at = 0, byteCount: number = bytes.length): boolean {
    const { answers, starts } = this.#table
    const asked = this.#asked
    if (byteCount === 16) {
      for (let word = 0; word < WORDS; word++) asked[word] = wordAt(bytes, at + word * 4)
    } else {
      asked[0] = ZERO_WORD
      asked[1] = ZERO_WORD
      asked[2] = MAPPED_WORD
      asked[3] = wordAt(bytes, at)
    }
    this.#found = lastUpTo(starts, asked)
    return answers[this.#found] === 1
  }

  /** The rule that rejected whoever was asked about last. */
  get rule(): string {
    const { ruleOf, rules } = this.#table
    return rules[ruleOf[this.#found] as number] ?? NO_RULE
  }
}

/** What a rule applies to, in order and without overlaps. */
function spansOf({ isNegated, networks }: NetworkRule): readonly Span[] {
  if (networks.length === 1 && !isNegated) return networks.map(spanOf)
  const union: Span[] = []
  for (const span of networks.map(spanOf).sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = union.at(-1)
    if (last === undefined || last.to < span.from) union.push(span)
    else if (last.to < span.to) union[union.length - 1] = { from: last.from, to: span.to }
  }
  return isNegated ? gapsOf(union) : union
}

function gapsOf(spans: readonly Span[]): readonly Span[] {
  const froms = [FIRST, ...spans.map(({ to }) => to)]
  const tos = [...spans.map(({ from }) => from), END]
  return froms.map((from, i) => ({ from, to: tos[i] as Key })).filter(({ from, to }) => from < to)
}

function spanOf({ bytes, prefixBits }: Network): Span {
  return { from: keyOf(bytes), to: keyBehind(bytes, prefixBits) }
}

/** The first address behind a network. */
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

/** Every address at which some rule begins or ceases to apply, and the lowest one. */
function sortedEdges(spans: readonly (readonly Span[])[]): readonly Key[] {
  const edges = new Set([FIRST])
  for (const { from, to } of spans.flat()) edges.add(from).add(to)
  edges.delete(END)
  return [...edges].sort()
}

/** From each edge to the next: the index of the first rule that applies; undefined where none does. */
function paint(spans: readonly (readonly Span[])[], edges: readonly Key[]): readonly (number | undefined)[] {
  const places = new Map(edges.map((edge, i) => [edge, i]))
  places.set(END, edges.length)
  const painted: (number | undefined)[] = edges.map(() => undefined)
  const free = new NextFree(edges.length)
  for (const [index, ruleSpans] of spans.entries()) {
    for (const { from, to } of ruleSpans) {
      const end = places.get(to) as number
      for (let i = free.from(places.get(from) as number); i < end; i = free.from(i)) {
        painted[i] = index
        free.take(i)
      }
    }
  }
  return painted
}

/** Finds the next place that is not taken, however many are: paths are halved on the way. */
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

/** The index of the last start that is not behind `asked`; the first one never is. */
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

/** 32 bits without a sign, as a number with one that stands in the same order: V8 keeps it unboxed. */
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
  names: readonly (string | undefined)[],
): AccessTable {
  const rules = [...new Set(names)].filter((name) => name !== undefined)
  const indexes = new Map(rules.map((name, i) => [name, i]))
  const ruleOf = Int32Array.from(names, (name) => (name === undefined ? -1 : (indexes.get(name) ?? -1)))
  const words = starts.flatMap((key) => {
    const bytes = Uint8Array.from(key, (char) => char.charCodeAt(0))
    return Array.from({ length: WORDS }, (_, word) => wordAt(bytes, word * 4))
  })
  return { starts: Int32Array.from(words), answers: Uint8Array.from(answers, Number), rules, ruleOf }
}

function keyOf(bytes: Uint8Array): Key {
  return String.fromCharCode(...bytes)
}
