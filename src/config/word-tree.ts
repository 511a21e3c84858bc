/** Trees of the words that directives of a block consist of. */
import type { Block, Row, Rows } from './row.js'

/** A row that words lead to: its key, and its key within a nested block, if any. */
export interface Target {
  readonly row: Row
  readonly key: string
  /** Set for a row of a nested block that is written outside of it. */
  readonly innerKey: string | undefined
}

export interface WordNode {
  readonly children: Map<string, WordNode>
  target: Target | undefined
}

// By rows, which several blocks may share.
const trees = new WeakMap<Rows, WordNode>()

/** The tree of all spellings of a block's directives; leaves lead to rows. Built once per block. */
export function wordTree(block: Block<unknown>): WordNode {
  const known = trees.get(block.rows)
  if (known !== undefined) return known
  const root: WordNode = { children: new Map(), target: undefined }
  for (const target of targetsOf(block.rows)) {
    for (const words of target.row.spellings.flatMap(expandSpelling)) plant(root, words, target)
  }
  trees.set(block.rows, root)
  return root
}

/** The longest directive of a block that the given words begin with. */
export function targetOf(block: Block<unknown>, words: readonly string[]): readonly string[] | undefined {
  let node: WordNode | undefined = wordTree(block)
  let found: readonly string[] | undefined
  for (const [i, word] of words.entries()) {
    node = node.children.get(word)
    if (node === undefined) break
    if (node.target !== undefined) found = words.slice(0, i + 1)
  }
  return found
}

/** One spelling of a directive, and its row. */
export interface Phrase {
  readonly words: readonly string[]
  readonly row: Row
}

/** All spellings of a block's directives in the order of the table; those of nested blocks come last. */
export function phrasesOf(block: Block<unknown>): readonly Phrase[] {
  const targets = [...targetsOf(block.rows)]
  const own = targets.filter(({ innerKey }) => innerKey === undefined)
  return [...own, ...targets.filter((target) => !own.includes(target))].flatMap(({ row }) =>
    row.spellings.flatMap(expandSpelling).map((words) => ({ words, row })),
  )
}

/** `tls|ssl key|key-file` expands to four sequences of words. */
export function expandSpelling(spelling: string): readonly (readonly string[])[] {
  let sequences: string[][] = [[]]
  for (const alternatives of spelling.split(' ')) {
    sequences = sequences.flatMap((words) => alternatives.split('|').map((word) => [...words, word]))
  }
  return sequences
}

/** Asked for every directive of a file, of which there may be ten thousands. */
const names = new WeakMap<Row, string>()

/** The first spelling of a directive. */
export function nameOf(row: Row): string {
  const known = names.get(row)
  if (known !== undefined) return known
  const [first = []] = expandSpelling(row.spellings[0] ?? '')
  const name = first.join(' ')
  names.set(row, name)
  return name
}

/** All words of these blocks and their nested blocks. */
export function wordsOf(blocks: readonly Block<unknown>[]): ReadonlySet<string> {
  const words = new Set<string>()
  // Several blocks share nested ones. A set may grow while it is iterated.
  const found = new Set(blocks)
  for (const { rows } of found) {
    for (const row of Object.values(rows)) {
      for (const spelling of row.spellings) for (const word of spelling.split(/[ |]/)) words.add(word)
      for (const nested of nestedIn(row)) found.add(nested)
    }
  }
  return words
}

function nestedIn(row: Row): Iterable<Block<unknown>> {
  if (row.kind === 'kinds') return row.kinds.values()
  return row.kind === 'block' || row.kind === 'blocks' ? [row.block] : []
}

/** The rows of a block, and those of a nested block that may be written directly in it. */
function* targetsOf(rows: Rows): Generator<Target> {
  for (const [key, row] of Object.entries(rows)) {
    yield { row, key, innerKey: undefined }
    if (row.kind !== 'block') continue
    for (const [innerKey, inner] of Object.entries(row.block.rows)) {
      if (inner.isAlsoOutside === true) yield { row: inner, key, innerKey }
    }
  }
}

/** Throws if two directives have the same spelling: an error of the table, which tests find. */
function plant(root: WordNode, words: readonly string[], target: Target): void {
  let node = root
  for (const word of words) {
    const next = node.children.get(word) ?? { children: new Map(), target: undefined }
    node.children.set(word, next)
    node = next
  }
  if (node.target !== undefined) throw new Error(`two directives are written '${words.join(' ')}'`)
  node.target = target
}
