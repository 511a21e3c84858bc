/** Compiles access rules about addresses into sorted ranges. */
import type { Network } from '../base/cidr.js'
import {
  type AccessTable,
  ADMITS,
  EVERYBODY,
  NO_ANSWER,
  orderly,
  REJECTS,
  WORDS,
  wordAt,
  ZERO_WORD,
} from './access-table.js'
import type { RuleEntries } from './rule-entries.js'
import type { RuleVerdict } from './rule-verdict.js'
import { sortedOrder } from './sorted-order.js'

/** A rule about networks. */
export interface NetworkRule extends RuleVerdict {
  readonly networks: readonly Network[]
}

/** A rule whose networks are the entries of a file. Each entry is a rule with a place in that file; with `not` all are one. */
export interface FileRule extends RuleVerdict {
  readonly file: string
  readonly entries: RuleEntries
}

/** A rule about ranges of addresses, such as those of a country. */
export interface RangeRule extends RuleVerdict {
  /** As in `RuleEntries`. */
  readonly bounds: Uint8Array
}

export type AddressRule = NetworkRule | FileRule | RangeRule

/** Bytes per address. */
const BYTES = 16

/** No claim applies. */
const NOBODY = -1

/**
 * The first matching rule decides. 100,000 rules take a tenth of a second, so this must not run on a reactor.
 */
export function compileAccess(rules: readonly AddressRule[]): AccessTable {
  if (rules.length === 0) return EVERYBODY
  const claims = new Claims(rules)
  const edges = new Edges(claims)
  return tableOf(claims, edges, paint(claims, edges))
}

/**
 * The spans of all rules in typed arrays, because there may be 100,000 of them. A claim is a rule, or an entry of a file;
 * its spans follow each other.
 */
class Claims {
  /** Words of the first address of each span, and of the address behind its last one. */
  readonly words: Int32Array
  /** By span, 1: it ends with the highest address, behind which there is none. */
  readonly isLast: Uint8Array
  readonly claimOf: Int32Array
  readonly answers: Uint8Array
  /** By claim; index of `files`, -1 for none. */
  readonly fileOf: Int32Array
  readonly lineOf: Int32Array
  readonly files: string[] = []
  spanCount = 0
  #claimCount = 0

  constructor(rules: readonly AddressRule[]) {
    // The gaps between the spans of a negated rule are one more than the spans.
    const most = rules.reduce((sum, rule) => sum + countOf(rule) + 1, 0)
    this.words = new Int32Array(most * 2 * WORDS)
    this.isLast = new Uint8Array(most)
    this.claimOf = new Int32Array(most)
    this.answers = new Uint8Array(most)
    this.fileOf = new Int32Array(most)
    this.lineOf = new Int32Array(most)
    for (const rule of rules) this.#add(rule)
  }

  #add(rule: AddressRule): void {
    const first = this.spanCount
    const { isNegated, isPermit, position } = rule
    if ('networks' in rule)
      for (const { bytes, prefixBits } of rule.networks) this.#addNetwork(bytes, prefixBits)
    else {
      const bounds = 'file' in rule ? rule.entries.bounds : rule.bounds
      for (let at = 0; at < bounds.length; at += 2 * BYTES) this.#addRange(bounds, at)
    }
    if (isNegated) this.#negate(first)
    if ('file' in rule && !isNegated) {
      const { file, entries } = rule
      for (let i = first; i < this.spanCount; i++)
        this.claimOf[i] = this.#claim(isPermit, file, entries.lines[i - first] as number)
      return
    }
    const claim = this.#claim(isPermit, position?.file, position?.line ?? 0)
    this.claimOf.fill(claim, first, this.spanCount)
  }

  #claim(isPermit: boolean, file: string | undefined, line: number): number {
    const claim = this.#claimCount++
    this.answers[claim] = isPermit ? ADMITS : REJECTS
    this.fileOf[claim] = file === undefined ? -1 : this.#indexOf(file)
    this.lineOf[claim] = line
    return claim
  }

  #indexOf(file: string): number {
    // Rules of one file follow each other, mostly.
    if (this.files.at(-1) === file) return this.files.length - 1
    const known = this.files.indexOf(file)
    return known >= 0 ? known : this.files.push(file) - 1
  }

  #addNetwork(bytes: Uint8Array, prefixBits: number): void {
    const at = this.spanCount * 2 * WORDS
    for (let word = 0; word < WORDS; word++) {
      const first = wordAt(bytes, word * 4)
      this.words[at + word] = first
      this.words[at + WORDS + word] = orderly(orderly(first) | hostMask(prefixBits - word * 32))
    }
    this.#step()
  }

  #addRange(bounds: Uint8Array, at: number): void {
    const to = this.spanCount * 2 * WORDS
    for (let word = 0; word < 2 * WORDS; word++) this.words[to + word] = wordAt(bounds, at + word * 4)
    this.#step()
  }

  /** The last address of the new span becomes the one behind it. */
  #step(): void {
    const at = (this.spanCount * 2 + 1) * WORDS
    let word = WORDS - 1
    while (word >= 0 && this.words[at + word] === HIGHEST_WORD) this.words[at + word--] = ZERO_WORD
    if (word < 0) this.isLast[this.spanCount] = 1
    else this.words[at + word] = (this.words[at + word] as number) + 1
    this.spanCount++
  }

  /** Replaces the spans from `first` on by the gaps between them. */
  #negate(first: number): void {
    const { isLast, words } = this
    const count = this.spanCount - first
    const starts = new Int32Array(count * WORDS)
    for (let i = 0; i < count; i++) copyKey(words, (first + i) * 2, starts, i)
    const gaps: number[] = []
    const from = new Int32Array(WORDS).fill(ZERO_WORD)
    let isOpen = true
    for (const i of sortedOrder(starts, WORDS)) {
      const span = first + i
      if (!isOpen) break
      if (compareKeys(from, 0, words, span * 2) < 0) gaps.push(...from, ...keyAt(words, span * 2))
      if (isLast[span] === 1) isOpen = false
      else if (compareKeys(from, 0, words, span * 2 + 1) < 0) copyKey(words, span * 2 + 1, from, 0)
    }
    if (isOpen) gaps.push(...from, ...from.map(() => ZERO_WORD))
    words.set(gaps, first * 2 * WORDS)
    this.spanCount = first + gaps.length / (2 * WORDS)
    isLast.fill(0, first)
    if (isOpen) isLast[this.spanCount - 1] = 1
  }
}

/** The lowest address, and all at which a span begins or behind which one ends, sorted. */
class Edges {
  /** Words of each. */
  readonly words: Int32Array
  /** By span, the edges where it begins and ends. */
  readonly from: Int32Array
  readonly to: Int32Array

  constructor({ isLast, spanCount, words }: Claims) {
    const order = sortedOrder(words.subarray(0, spanCount * 2 * WORDS), WORDS)
    const unique = new Int32Array((order.length + 1) * WORDS)
    unique.fill(ZERO_WORD, 0, WORDS)
    let last = 0
    this.from = new Int32Array(spanCount)
    this.to = new Int32Array(spanCount)
    for (const key of order) {
      // Behind the highest address there is no edge; its words are those of the lowest one.
      if (compareKeys(words, key, unique, last) !== 0) copyKey(words, key, unique, ++last)
      const ends = key % 2 === 0 ? this.from : this.to
      ends[key >> 1] = last
    }
    this.words = unique.subarray(0, (last + 1) * WORDS)
    for (let span = 0; span < spanCount; span++) if (isLast[span] === 1) this.to[span] = last + 1
  }

  get count(): number {
    return this.words.length / WORDS
  }
}

/** For each range between edges the first claim that applies, or NOBODY. */
function paint({ claimOf, spanCount }: Claims, { count, from, to }: Edges): Int32Array {
  const painted = new Int32Array(count).fill(NOBODY)
  const free = new NextFree(count)
  for (let span = 0; span < spanCount; span++) {
    const end = to[span] as number
    for (let i = free.from(from[span] as number); i < end; i = free.from(i)) {
      painted[i] = claimOf[span] as number
      free.take(i)
    }
  }
  return painted
}

/** Finds the next free place in nearly constant time: a disjoint-set forest with path halving. */
class NextFree {
  readonly #next: Int32Array

  constructor(count: number) {
    this.#next = new Int32Array(count + 1)
    for (let i = 0; i <= count; i++) this.#next[i] = i
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

/** Neighbouring ranges with the same answer of the same rule become one. */
function tableOf(claims: Claims, edges: Edges, painted: Int32Array): AccessTable {
  const isBegin = (i: number) => i === 0 || !isSame(claims, painted[i] as number, painted[i - 1] as number)
  let count = 0
  for (let i = 0; i < painted.length; i++) if (isBegin(i)) count++
  const starts = new Int32Array(count * WORDS)
  const answers = new Uint8Array(count)
  const fileOf = new Int32Array(count).fill(-1)
  const lineOf = new Int32Array(count)
  for (let i = 0, at = -1; i < painted.length; i++) {
    if (!isBegin(i)) continue
    copyKey(edges.words, i, starts, ++at)
    const claim = painted[i] as number
    answers[at] = answerOf(claims, claim)
    if (answers[at] !== REJECTS) continue
    fileOf[at] = claims.fileOf[claim] as number
    lineOf[at] = claims.lineOf[claim] as number
  }
  return { starts, answers, files: claims.files, fileOf, lineOf }
}

function isSame(claims: Claims, a: number, b: number): boolean {
  return a === b || (answerOf(claims, a) === ADMITS && answerOf(claims, b) === ADMITS)
}

function answerOf({ answers }: Claims, claim: number): number {
  return claim === NOBODY ? NO_ANSWER : (answers[claim] as number)
}

function countOf(rule: AddressRule): number {
  if ('networks' in rule) return rule.networks.length
  return ('file' in rule ? rule.entries.bounds : rule.bounds).length / (2 * BYTES)
}

/** The bits of a word that are behind a prefix; `bits`: of the prefix in this word, any number. */
function hostMask(bits: number): number {
  return bits <= 0 ? -1 : bits >= 32 ? 0 : -1 >>> bits
}

const HIGHEST_WORD = orderly(0xffff_ffff)

function copyKey(from: Int32Array, key: number, to: Int32Array, into: number): void {
  for (let word = 0; word < WORDS; word++) to[into * WORDS + word] = from[key * WORDS + word] as number
}

function keyAt(words: Int32Array, key: number): Int32Array {
  return words.subarray(key * WORDS, (key + 1) * WORDS)
}

function compareKeys(a: Int32Array, i: number, b: Int32Array, j: number): number {
  for (let word = 0; word < WORDS; word++) {
    const difference = (a[i * WORDS + word] as number) - (b[j * WORDS + word] as number)
    if (difference !== 0) return difference
  }
  return 0
}
