import type { Block, Row, Rows } from './row.js'

/** A row as it is reached from a block: its key, and the nested block that it belongs to, if any. */
export interface Target {
  readonly row: Row
  readonly key: string
  /** Set for a row that is written outside the nested block whose setting it is. */
  readonly innerKey: string | undefined
}

export interface WordNode {
  readonly children: Map<string, WordNode>
  target: Target | undefined
}

const trees = new WeakMap<Rows, WordNode>()

/** The words that directives of a block begin with, what may follow them, and the rows they lead to. */
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

/** The words of the longest directive of a block that the given ones begin with. */
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

/** A way to write a directive, and the row that it leads to. */
export interface Phrase {
  readonly words: readonly string[]
  readonly row: Row
}

/** All ways to write the directives of a block, in the order of the table; those of nested blocks come last. */
export function phrasesOf(block: Block<unknown>): readonly Phrase[] {
  const targets = [...targetsOf(block.rows)]
  const own = targets.filter(({ innerKey }) => innerKey === undefined)
  return [...own, ...targets.filter((target) => !own.includes(target))].flatMap(({ row }) =>
    row.spellings.flatMap(expandSpelling).map((words) => ({ words, row })),
  )
}

/** `tls|ssl key|key-file` stands for four word sequences. */
export function expandSpelling(spelling: string): readonly (readonly string[])[] {
  let sequences: string[][] = [[]]
  for (const alternatives of spelling.split(' ')) {
    sequences = sequences.flatMap((words) => alternatives.split('|').map((word) => [...words, word]))
  }
  return sequences
}

/** The first way to write a directive. */
export function nameOf(row: Row): string {
  const [first = []] = expandSpelling(row.spellings[0] ?? '')
  return first.join(' ')
}

export function wordsOf(block: Block<unknown>): ReadonlySet<string> {
  const words = new Set<string>()
  for (const row of Object.values(block.rows)) {
    for (const word of row.spellings.flatMap(expandSpelling).flat()) words.add(word)
    const inner = row.kind === 'block' || row.kind === 'blocks' ? [row.block] : []
    const blocks = row.kind === 'kinds' ? [...row.kinds.values()] : inner
    for (const word of blocks.flatMap((one) => [...wordsOf(one)])) words.add(word)
  }
  return words
}

function* targetsOf(rows: Rows): Generator<Target> {
  for (const [key, row] of Object.entries(rows)) {
    yield { row, key, innerKey: undefined }
    if (row.kind !== 'block') continue
    for (const [innerKey, inner] of Object.entries(row.block.rows)) {
      if (inner.isAlsoOutside === true) yield { row: inner, key, innerKey }
    }
  }
}

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
