import { addressDirectives, bracketedAddress, looksLikeAddress } from './address-advice.js'
import { type Advice, adviceFor } from './advice.js'
import { orList, quotedList, shown } from './expectation.js'
import { joinedGuesses, nearGuesses, reorderedGuesses, tailGuesses } from './guess.js'
import { type FoundPlace, howToReach, inPlace, nearPlaceOf, placeOf } from './places.js'
import type { Block } from './row.js'
import { NOT_OVERRIDDEN, NOT_OVERRIDDEN_REASON } from './table-overrides.js'
import { listenBlock } from './table-spawnd.js'
import { isPunctuation, isText, type Token } from './token.js'
import { NEEDS_QUOTES_HINT } from './value-type.js'
import { phrasesOf, wordTree } from './word-tree.js'

/** Explains a token that begins or continues no directive. */

/** Maximum number of directives in a hint: a longer list would hide the error. */
const SHOWN_MAX = 10

/** Words of look-ahead: the longest directive has as many. */
const WORDS_MAX = 4

export interface Unknown {
  readonly block: Block<unknown>
  /** The words before the token, which begin a directive. */
  readonly words: readonly string[]
  /** The token and the next ones; empty if the directive ends before it is complete. */
  readonly ahead: readonly Token[]
}

export interface Explanation {
  readonly message: string
  readonly hint: string | undefined
  /** It is a directive of another program, followed by values of that program. */
  readonly isForeign: boolean
  /** The words before the token are no complete directive. */
  readonly isIncomplete: boolean
}

type Answer = string | Advice | undefined

export function explain(unknown: Unknown): Explanation {
  const { ahead, words } = unknown
  const given = [...words, ...wordsOn(ahead)]
  const answer = words.length === 0 ? answerAtStart(unknown, given) : answerBehind(unknown, given)
  const isForeign = typeof answer === 'object'
  const nameLength = Math.max(words.length + 1, isForeign ? answer.words.length : 0)
  const name = given.slice(0, nameLength).join(' ')
  const isWord = ahead[0]?.kind === 'word' && !looksLikeAddress(ahead[0].text)
  const isIncomplete = words.length > 0 && !isWord
  const hint = isForeign ? answer.text : (answer ?? (isWord || isIncomplete ? listed(unknown) : undefined))
  return { message: messageFor(unknown, isWord ? name : undefined), hint, isForeign, isIncomplete }
}

/** The token does not begin a directive. */
function answerAtStart({ block, ahead }: Unknown, given: readonly string[]): Answer {
  const [token] = ahead
  const address = block.bareKey === undefined ? undefined : addressHint(ahead)
  if (address !== undefined || token === undefined || token.kind !== 'word') {
    return address ?? (token && punctuationHint(block, token))
  }
  const advice = adviceFor(block, given)
  const elsewhere = placeOf(given)
  // A directive of ours that explains more words than the foreign one does.
  const isWhole = elsewhere !== undefined && elsewhere.wordCount > (advice?.words.length ?? 0)
  return (
    question(joinedGuesses(block, given)) ??
    (isWhole && elsewhere.wordCount > 1 ? belongs(block, elsewhere) : undefined) ??
    advice ??
    question(reorderedGuesses(block, given)) ??
    question(tailGuesses(block, given, true)) ??
    belongs(block, elsewhere) ??
    question(nearGuesses(block, given, 0)) ??
    question(tailGuesses(block, given, false)) ??
    belongs(block, nearPlaceOf(given)) ??
    (block.bareKey === undefined ? undefined : hostHint(ahead))
  )
}

/** The words begin a directive, and the token does not continue it. */
function answerBehind({ block, words }: Unknown, given: readonly string[]): Answer {
  const advice = adviceFor(block, given)
  // Advice about more words than were recognised is about this token; about the same words it may not be.
  const isAboutMore = advice !== undefined && advice.words.length > words.length
  const isAboutThese = advice !== undefined && advice.words.length === words.length
  return (
    question(joinedGuesses(block, given)) ??
    question(reorderedGuesses(block, given)) ??
    (isAboutMore ? advice : undefined) ??
    question(nearGuesses(block, given, words.length)) ??
    (isAboutThese ? advice : undefined)
  )
}

/** Unquoted words at the start of the tokens, on the line of the first one; `=` between them is ignored. */
function wordsOn(ahead: readonly Token[]): readonly string[] {
  const words: string[] = []
  for (const token of ahead) {
    if (token.position.line !== ahead[0]?.position.line || words.length === WORDS_MAX) break
    if (token.kind === 'word') words.push(token.text)
    else if (!isPunctuation(token, '=')) break
  }
  return words
}

function messageFor({ block, words, ahead: [token] }: Unknown, name: string | undefined): string {
  if (name !== undefined) return `unknown directive ${shown(name)} ${inPlace(block)}`
  if (words.length > 0) return `incomplete directive ${shown(words.join(' '))} ${inPlace(block)}`
  return `expected a directive ${inPlace(block)}, but got ${shown(token?.text ?? '')}`
}

function question(guesses: readonly string[]): string | undefined {
  return guesses.length === 0 ? undefined : `did you mean ${quotedList(guesses)}?`
}

function belongs(block: Block<unknown>, found: FoundPlace | undefined): string | undefined {
  if (found === undefined) return undefined
  const list = quotedList(found.directives)
  const place = howToReach(found, block)
  const reason = block === listenBlock && found.directives.some(isOfPools) ? `; ${NOT_OVERRIDDEN_REASON}` : ''
  return (found.directives.length === 1 ? `${list} belongs ${place}` : `write ${list} ${place}`) + reason
}

function isOfPools(directive: string): boolean {
  return Object.values(NOT_OVERRIDDEN).some(({ spellings }) => spellings.includes(directive))
}

function punctuationHint(block: Block<unknown>, { kind, text }: Token): string | undefined {
  if (kind === 'quoted' && wordTree(block).children.has(text)) return 'write the directive without quotes'
  if (text === ',') return "directives are not separated by ','"
  // As in `HIGH:!SHA1`, of which `HIGH:` is one token.
  return text === '!' ? NEEDS_QUOTES_HINT : undefined
}

/** Hint for an address without directives. */
function addressHint(ahead: readonly Token[]): string | undefined {
  const [token, next] = ahead
  if (token === undefined || (next !== undefined && isPunctuation(next, '='))) return undefined
  const isPlain = isText(token) && looksLikeAddress(token.text)
  const directives =
    bracketedAddress(ahead)?.directives ?? (isPlain ? addressDirectives(token.text) : undefined)
  return directives && `write '${directives}'`
}

/** Hint for a word that may be a host name: before `port`, or alone in its block. */
function hostHint([token, next]: readonly Token[]): string | undefined {
  if (token === undefined || next === undefined) return undefined
  const isAlone = isPunctuation(next, '}') || (next.kind === 'word' && next.text === 'port')
  const directives = isAlone ? addressDirectives(token.text) : undefined
  return directives && `write '${directives}'`
}

/** The directives that are allowed here, grouped by the next word. */
function listed({ block, words }: Unknown): string | undefined {
  const groups = new Map<string, string[]>()
  const rows = new Set<unknown>()
  for (const { words: phrase, row } of phrasesOf(block)) {
    const next = phrase[words.length]
    const isSame = words.every((word, i) => word === phrase[i])
    if (!isSame || next === undefined || rows.has(row)) continue
    rows.add(row)
    groups.set(next, [...(groups.get(next) ?? []), phrase.join(' ')])
  }
  const names = [...groups].map(([next, [only = '', ...others]]) =>
    others.length === 0 ? `'${only}'` : `'${[...words, next].join(' ')} …'`,
  )
  const text = orList(names.slice(0, SHOWN_MAX))
  if (names.length <= SHOWN_MAX) return `write ${text}`
  return `write ${names.slice(0, SHOWN_MAX).join(', ')} or others: see docs/configuration.md`
}
