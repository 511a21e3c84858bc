import { quotedList } from './expectation.js'
import { joinedGuesses, longerGuesses, reorderedGuesses } from './guess.js'
import type { Block } from './row.js'
import { moduleBlocks } from './table-mavis.js'
import { serverBlock } from './table-mavis-remote.js'
import { listenBlock, spawnBlock, spawndBlock } from './table-spawnd.js'
import { remoteBlock, tcprelayBlock } from './table-tcprelay.js'
import { certificateBlock } from './table-tls.js'
import { topBlock } from './table-top.js'
import { targetOf } from './word-tree.js'

/** How messages name the blocks of a configuration, and in which of them a directive may stand. */

const INNER_BLOCKS: readonly Block<unknown>[] = [listenBlock, spawnBlock, remoteBlock, certificateBlock]

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
  /** Words of the first one. */
  readonly wordCount: number
  /** `in the spawnd section`, `at the top level` */
  readonly place: string
}

/** The same where there is no section around: how to write it. */
export function howToReach({ place }: FoundPlace, from: Block<unknown>): string {
  const section =
    from === topBlock ? [spawndBlock, tcprelayBlock].find((one) => inPlace(one) === place) : undefined
  return section === undefined ? place : `${place}: 'id = ${section.name} { … }'`
}

/** Where else the words begin with a whole directive; undefined: nowhere that is likely meant. */
export function placeOf(given: readonly string[]): FoundPlace | undefined {
  const sections = having([topBlock, spawndBlock, tcprelayBlock], given).slice(0, 1)
  const inner = having(INNER_BLOCKS, given)
  // A single word of a module, as `timeout` or `file`, is a word of everybody's.
  const modules = having(moduleBlocks.values(), given).filter(({ words }) => words.length > 1)
  const found = [sections, inner, modules.slice(0, 1)].find(({ length }) => length > 0)
  const [first] = found ?? []
  if (found === undefined || first === undefined) return undefined
  const names = found.map(({ block }) => block.name)
  const place = found.length > 1 ? `in a ${quotedList(names)} block` : inPlace(first.block)
  return { directives: [first.words.join(' ')], wordCount: first.words.length, place }
}

/** Where else there are directives that the words almost are. */
export function nearPlaceOf(given: readonly string[]): FoundPlace | undefined {
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
