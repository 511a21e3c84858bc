/** The files of the project, and the imports of its sources. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Token, type Tokens, tokenize } from './tokens.js'

/** The root folder of the project, relative to dist/test/tidy/. */
export const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** One import, export … from, or import() of a file. */
export interface Import {
  /** A path from the root for files of the project, otherwise as written. */
  readonly target: string
  readonly isTypeOnly: boolean
  readonly line: number
}

/** A TypeScript file of the project. */
export interface Source extends Tokens {
  /** From the root, with slashes. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

/** All existing files under version control; without Git, all files except built and installed ones. */
export function projectFiles(): readonly string[] {
  const { status, stdout } = spawnSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  const files = status === 0 ? stdout.split('\0') : walk('')
  return files.filter((path) => path !== '' && existsSync(ROOT + path))
}

function walk(folder: string): string[] {
  return readdirSync(ROOT + folder, { withFileTypes: true }).flatMap((entry) => {
    const path = folder + entry.name
    if (!entry.isDirectory()) return [path]
    return ['.git', 'dist', 'node_modules'].includes(entry.name) ? [] : walk(`${path}/`)
  })
}

export function readText(path: string): string {
  return readFileSync(ROOT + path, 'utf8')
}

/** Parsed once for all tests of a process. */
const parsed = new Map<string, Source>()

/** The TypeScript files below these folders. */
export function sourcesBelow(...folders: readonly string[]): readonly Source[] {
  return projectFiles()
    .filter((path) => path.endsWith('.ts') && folders.some((folder) => path.startsWith(`${folder}/`)))
    .map((path) => {
      const source = parsed.get(path) ?? sourceOf(path, readText(path))
      parsed.set(path, source)
      return source
    })
}

export function sourceOf(path: string, text: string): Source {
  const { tokens, comments } = tokenize(text)
  return { path, text, tokens, comments, imports: importsOf(path, tokens) }
}

export const isTest = (path: string): boolean => path.endsWith('.test.ts')

/** The layer: `relay` for `src/relay/session.ts`. */
export function folderOf(path: string): string {
  const [top = '', folder = ''] = path.split('/')
  return top === 'src' ? folder : top
}

function importsOf(path: string, tokens: readonly Token[]): readonly Import[] {
  return tokens.flatMap((token, at) => {
    if (token.kind !== 'text') return []
    const before = tokens[at - 1]?.text
    if (before !== 'from' && before !== 'import' && !(before === '(' && tokens[at - 2]?.text === 'import'))
      return []
    const isTypeOnly = before === 'from' && isTypeImport(tokens, at - 1)
    return [{ target: resolve(path, token.text), isTypeOnly, line: token.line }]
  })
}

/** Whether nothing remains of the import that ends before the token `from` when types are erased. */
function isTypeImport(tokens: readonly Token[], from: number): boolean {
  let at = from
  while (at > 0 && tokens[at]?.text !== 'import' && tokens[at]?.text !== 'export') at--
  if (tokens[at + 1]?.text === 'type' && tokens[at + 2]?.text !== 'from') return true
  const names = tokens.slice(at + 1, from)
  if (names[0]?.text !== '{') return false
  // `import { type A, type B }`: every name is marked.
  const starts = names.filter((_, i) => names[i - 1]?.text === '{' || names[i - 1]?.text === ',')
  return starts.filter(({ text }) => text !== '}').every(({ text }) => text === 'type')
}

function resolve(from: string, target: string): string {
  if (!target.startsWith('.')) return target
  return posix.join(posix.dirname(from), target).replace(/\.js$/, '.ts')
}
