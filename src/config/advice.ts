import { orList } from './expectation.js'
import { FOREIGN_WORDS, type ForeignWord } from './foreign-words.js'
import { inPlace } from './places.js'
import type { Block } from './row.js'
import { healthBlock } from './table-health.js'
import { poolBlock } from './table-pool.js'
import { remoteBlock } from './table-remote.js'
import { routeBlock } from './table-route.js'
import { listenBlock, spawnBlock, spawndBlock } from './table-spawnd.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { expandSpelling, targetOf } from './word-tree.js'

/** Advice about a directive of another relay: what to write instead, and the words that were recognised. */
export interface Advice {
  readonly words: readonly string[]
  readonly text: string
}

/** The blocks that `FOREIGN_WORDS` may name. */
export const ADVISED_BLOCKS: ReadonlyMap<string, Block<unknown>> = new Map<string, Block<unknown>>(
  [spawndBlock, listenBlock, spawnBlock, tcprelayBlock, poolBlock, remoteBlock, healthBlock, routeBlock].map(
    (block) => [block.name, block],
  ),
)

interface Known {
  readonly words: readonly string[]
  readonly foreign: ForeignWord
}

let spellings: readonly Known[] | undefined

/** All spellings, the longest first: `option tcpka` before `option`. A configuration without mistakes needs none. */
function knownSpellings(): readonly Known[] {
  spellings ??= FOREIGN_WORDS.flatMap((foreign) =>
    expandSpelling(foreign.words).map((words) => ({ words, foreign })),
  ).sort((a, b) => b.words.length - a.words.length)
  return spellings
}

/** The advice for the longest foreign directive that matches the first words. */
export function adviceFor(block: Block<unknown>, given: readonly string[]): Advice | undefined {
  // Other programs accept words in any case.
  const lower = given.map((word) => word.toLowerCase())
  const known = knownSpellings().find(({ words, foreign }) => {
    const isSame = words.every((word, i) => word === lower[i])
    return isSame && (foreign.value === undefined || foreign.value.test(lower[words.length] ?? ''))
  })
  return known && { words: known.words, text: adviceText(block, known.foreign) }
}

function adviceText(block: Block<unknown>, { write = {}, text }: ForeignWord): string {
  // A directive that the present block has is the best advice; others are named with their place.
  const isHere = (phrase: string) => targetOf(block, phrase.split(' '))?.join(' ') === phrase
  const here = [...new Set(Object.values(write).flat().filter(isHere))]
  const there = Object.entries(write).flatMap(([name, phrases]) => {
    const of = ADVISED_BLOCKS.get(name)
    return of === undefined ? [] : [`${quoted(phrases)} ${inPlace(of)}`]
  })
  const ways = here.length > 0 ? [quoted(here)] : there
  const parts = [ways.length === 0 ? undefined : `write ${ways.join(', or ')}`, text]
  return parts.filter((part) => part !== undefined).join('; ')
}

function quoted(phrases: readonly string[]): string {
  return orList(phrases.map((phrase) => `'${phrase}'`))
}
