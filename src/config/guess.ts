import { editDistance } from '../base/suggest.js'
import type { Block } from './row.js'
import { phrasesOf } from './word-tree.js'

/**
 * Guesses which directives of a block misspelled words stand for. All functions return an empty list if none is
 * close.
 */

/** More candidates than this make a guess worthless. */
const GUESSES_MAX = 3

/** No directive is that long; bounds the work of the edit distance. */
const WORD_LENGTH_MAX = 64

/** First words that users often omit: `cert-file` may mean `tls cert-file`. */
const FAMILIES = new Set(['tls', 'ssl', 'tcp'])

interface Candidate {
  readonly words: readonly string[]
  /** Identifies the directive: of several spellings only the first is shown. */
  readonly directive: unknown
}

/** Directives with the same words joined, separated differently, or in upper case. */
export function joinedGuesses(block: Block<unknown>, given: readonly string[]): readonly string[] {
  return guessesOf(block, given, (same, words) => joined(same) === joined(words))
}

/** Directives with the same words in another order. */
export function reorderedGuesses(block: Block<unknown>, given: readonly string[]): readonly string[] {
  return guessesOf(block, given, (same, words) => [...same].sort().join(' ') === [...words].sort().join(' '))
}

function guessesOf(
  block: Block<unknown>,
  given: readonly string[],
  isMeant: (given: readonly string[], words: readonly string[]) => boolean,
): readonly string[] {
  return shownOf(
    candidatesOf(block).filter(({ words }) =>
      given.some((_, i) => {
        const first = given.slice(0, i + 1)
        return first.join(' ') !== words.join(' ') && isMeant(first, words)
      }),
    ),
  )
}

/** Directives that differ by typing errors, in all words or at least in the first word after the `known` ones. */
export function nearGuesses(
  block: Block<unknown>,
  given: readonly string[],
  known: number,
): readonly string[] {
  const word = given[known]
  if (word === undefined) return []
  const rated = candidatesOf(block)
    .filter(({ words }) => words.slice(0, known).every((same, i) => same === given[i]))
    .map((candidate) => ({ candidate, ...distance(given, candidate.words, known) }))
    .filter(({ first }) => Number.isFinite(first))
  // If all words of a directive are near, that is better than a near first word.
  const whole = rated.filter(({ all }) => Number.isFinite(all))
  const [of, measure]: [typeof rated, 'all' | 'first'] = whole.length > 0 ? [whole, 'all'] : [rated, 'first']
  const least = Math.min(...of.map((one) => one[measure]))
  const nearest = of.filter((one) => one[measure] === least).map(({ candidate }) => candidate)
  // Prefers `tcp keepalive idle` to `tcp keepalive`: the longer directive explains more of the words.
  const length = measure === 'all' ? Math.max(...nearest.map(({ words }) => words.length)) : 0
  return shownOf(nearest.filter(({ words }) => words.length >= length))
}

/** Directives that begin with the first word and have further words. */
export function longerGuesses(block: Block<unknown>, [first]: readonly string[]): readonly string[] {
  return shownOf(candidatesOf(block).filter(({ words }) => words.length > 1 && words[0] === first))
}

/** Directives that end with the words. `isFamily`: only those that begin with one of `FAMILIES`. */
export function tailGuesses(
  block: Block<unknown>,
  given: readonly string[],
  isFamily: boolean,
): readonly string[] {
  return shownOf(
    candidatesOf(block).filter(({ words: [first = '', ...tail] }) => {
      const isSame = tail.length > 0 && tail.every((word, i) => word === given[i])
      return isSame && (!isFamily || FAMILIES.has(first))
    }),
  )
}

function candidatesOf(block: Block<unknown>): readonly Candidate[] {
  const own = phrasesOf(block).map(({ words, row }) => ({ words, directive: row }))
  return [...own, { words: ['include'], directive: 'include' }]
}

function shownOf(candidates: readonly Candidate[]): readonly string[] {
  const firsts = new Map<unknown, string>()
  for (const { directive, words } of candidates) {
    if (!firsts.has(directive)) firsts.set(directive, words.join(' '))
  }
  return firsts.size > GUESSES_MAX ? [] : [...firsts.values()]
}

function joined(words: readonly string[]): string {
  return words.join('').toLowerCase().replace(/[-_.]/g, '')
}

/** Edit distance of the first word after the known ones, and of all words; infinite if one of them is too far off. */
function distance(given: readonly string[], words: readonly string[], known: number) {
  const each = words.slice(known).map((word, i) => wordDistance(given[known + i] ?? '', word))
  return { first: each[0] ?? Number.POSITIVE_INFINITY, all: each.reduce((sum, one) => sum + one, 0) }
}

function wordDistance(given: string, word: string): number {
  if (given.length > WORD_LENGTH_MAX) return Number.POSITIVE_INFINITY
  const measured = editDistance(given.toLowerCase(), word)
  // One error for each three letters: more of them could be any word.
  const limit = Math.max(1, Math.floor(given.length / 3))
  return measured <= limit && measured < word.length ? measured : Number.POSITIVE_INFINITY
}
