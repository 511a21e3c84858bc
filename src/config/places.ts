import { quotedList } from './expectation.js'
import { joinedGuesses, longerGuesses, reorderedGuesses } from './guess.js'
import type { Block } from './row.js'
import { moduleBlocks } from './table-mavis.js'
import { serverBlock } from './table-mavis-remote.js'
import { poolBlock } from './table-pool.js'
import { remoteBlock } from './table-remote.js'
import { routeBlock } from './table-route.js'
import { listenBlock, spawnBlock, spawndBlock } from './table-spawnd.js'
import { tcprelayBlock } from './table-tcprelay.js'
import { certificateBlock } from './table-tls.js'
import { topBlock } from './table-top.js'
import { targetOf } from './word-tree.js'

/** Names of blocks in messages, and lookup of the blocks in which a directive is allowed. */

const INNER_BLOCKS: readonly Block<unknown>[] = [
  listenBlock,
  spawnBlock,
  remoteBlock,
  poolBlock,
  routeBlock,
  certificateBlock,
]

const PLACES: ReadonlyMap<Block<unknown>, string> = new Map<Block<unknown>, string>([
  [topBlock, 'the top level'],
  [spawndBlock, 'the spawnd section'],
  [tcprelayBlock, 'the tcprelay section'],
  ...INNER_BLOCKS.map((block) => [block, `a '${block.name}' block`] as const),
  ...[...moduleBlocks.values()].map((block) => [block, moduleNamed(block.name)] as const),
  [serverBlock, "a 'server' block"],
])

/** `in the spawnd section`, `at the top level` */
export function inPlace(block: Block<unknown>): string {
  const place = PLACES.get(block) ?? `a '${block.name}' block`
  return block === topBlock ? `at ${place}` : `in ${place}`
}

export interface FoundPlace {
  readonly directives: readonly string[]
  /** Number of words of the first directive. */
  readonly wordCount: number
  /** `in the spawnd section`, `at the top level` */
  readonly place: string
}

/** The place, and at top level also how to write the section. */
export function howToReach({ place }: FoundPlace, from: Block<unknown>): string {
  const section =
    from === topBlock ? [spawndBlock, tcprelayBlock].find((one) => inPlace(one) === place) : undefined
  return section === undefined ? place : `${place}: 'id = ${section.name} { … }'`
}

/** Another block in which the words begin with a complete directive; undefined if there is no likely one. */
export function placeOf(given: readonly string[]): FoundPlace | undefined {
  const sections = having([topBlock, spawndBlock, tcprelayBlock], given).slice(0, 1)
  const inner = having(INNER_BLOCKS, given)
  // Single words of modules, such as `timeout` or `file`, are too common to suggest a module.
  const modules = having(moduleBlocks.values(), given).filter(({ words }) => words.length > 1)
  const found = [sections, inner, modules.slice(0, 1)].find(({ length }) => length > 0)
  const [first] = found ?? []
  if (found === undefined || first === undefined) return undefined
  const names = found.map(({ block }) => block.name)
  const place = found.length > 1 ? `in a ${quotedList(names)} block` : inPlace(first.block)
  return { directives: [first.words.join(' ')], wordCount: first.words.length, place }
}

/** Another block with directives that resemble the words. */
export function nearPlaceOf(given: readonly string[]): FoundPlace | undefined {
  // The first block with a likely directive is named, sections first.
  for (const block of [spawndBlock, tcprelayBlock, ...INNER_BLOCKS]) {
    const guesses = [joinedGuesses, reorderedGuesses, longerGuesses].map((guess) => guess(block, given))
    const directives = guesses.find(({ length }) => length > 0)
    if (directives !== undefined) return { directives, wordCount: 0, place: inPlace(block) }
  }
  return undefined
}

function having(blocks: Iterable<Block<unknown>>, given: readonly string[]) {
  return [...blocks].flatMap((block) => {
    const words = targetOf(block, given)
    return words === undefined ? [] : [{ block, words }]
  })
}

function moduleNamed(name: string): string {
  return `a 'mavis module = ${name}' block`
}
