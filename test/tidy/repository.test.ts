/** Checks files and documentation of the repository as a whole. */
import assert from 'node:assert/strict'
import { existsSync, statSync } from 'node:fs'
import { posix } from 'node:path'
import { test } from 'node:test'
import { loadedBy, loadGraph } from './graph.js'
import { LAYERS } from './layers.js'
import { folderOf, isTest, projectFiles, ROOT, readText, type Source, sourcesBelow } from './sources.js'

const files = projectFiles()
const sources = sourcesBelow('src', 'test', 'bench')
const product = sources.filter(({ path }) => path.startsWith('src/') && !isTest(path))

function none(findings: readonly string[], advice: string): void {
  assert.deepEqual(findings, [], `${advice}\n  ${findings.join('\n  ')}\n`)
}

test('the checks of every change exist and are executable', () => {
  assert.ok((statSync(`${ROOT}.ci/run`).mode & 0o111) !== 0, '.ci/run is executable')
  assert.match(readText('.ci/run'), /^npm test$/m)
  const { scripts } = JSON.parse(readText('package.json'))
  for (const name of ['start', 'build', 'lint', 'test', 'test:full', 'bench'])
    assert.ok(name in scripts, name)
})

/** Split into parts, so that this file does not match itself. */
const OF_ONE_MACHINE = new RegExp(
  [
    `/${'work'}/`,
    `/${'root'}/`,
    `/home/(?!joe\\b)\\w`,
    `/${'Users'}/\\w`,
    `https?://[^\\s"'/]*${'registry'}[^\\s"']*`,
  ].join('|'),
)

test('no file contains paths or package sources of one machine', () => {
  const findings = files
    .filter((path) => !/\.(png|gz|pem|der)$/.test(path))
    .flatMap((path) =>
      readText(path)
        .split('\n')
        .flatMap((line, index) =>
          OF_ONE_MACHINE.test(line) ? [`${path}:${index + 1} ${line.trim().slice(0, 90)}`] : [],
        ),
    )
  none(findings, 'They do not exist on other machines: use os.tmpdir() or a relative path:')
})

test('every source file is used', () => {
  const texts = [
    ...product.map(({ path, tokens }) => ({ path, texts: tokens.filter(({ kind }) => kind === 'text') })),
  ]
  const used = new Set(texts.flatMap(({ path, texts }) => texts.map(({ text }) => resolved(path, text))))
  const starters = ['package.json', ...files.filter((path) => /^(bin|scripts|bench)\//.test(path))]
    .map(readText)
    .join('\n')
  const dead = product
    .map(({ path }) => path)
    .filter((path) => !used.has(path) && !starters.includes(path.replace(/^src\/|\.ts$/g, '')))
  none(dead, 'No file of the product loads it: remove it, or use it:')
})

function resolved(from: string, text: string): string {
  return posix.join(posix.dirname(from), text).replace(/\.js$/, '.ts')
}

test('every file that does not need a control thread is loaded by a unit test', () => {
  const graph = loadGraph(sources)
  const begun = sources
    .filter(({ path }) => isTest(path))
    .flatMap((source) => [source.path, ...startedBy(source)])
  const tested = new Set(begun.flatMap((path) => [path, ...loadedBy(graph, path).keys()]))
  const untested = product
    .filter(({ path }) => ['P', 'R', 'B'].includes(LAYERS[folderOf(path)]?.on ?? ''))
    // Entry points of worker threads are only covered by integration tests.
    .filter(({ path }) => !path.endsWith('-entry.ts'))
    .filter(({ path, tokens }) => hasCode(tokens) && !tested.has(path))
    .map(({ path }) => path)
  none(
    untested,
    'Layers without a control thread can be tested in milliseconds: write a test next to the file:',
  )
})

/** The modules that a test starts in a thread or process: those named in its strings. */
function startedBy({ path, tokens }: Source): readonly string[] {
  return tokens
    .filter(({ kind }) => kind === 'text')
    .flatMap(({ text }) => [text, ...[...text.matchAll(/'(\.{1,2}\/[^']+)'/g)].map(([, name = '']) => name)])
    .filter((text) => text.startsWith('.') && text.endsWith('.js'))
    .map((text) => resolved(path, text))
}

/** A file with types only has nothing to test. */
function hasCode(tokens: readonly { readonly text: string }[]): boolean {
  return tokens.some(({ text }) => ['function', 'class', 'const'].includes(text))
}

test('files that find others by import.meta.url are as deep as the entries of the bundle', () => {
  const findings = product.filter(
    ({ path, text }) => text.includes('import.meta.url') && !isAsDeepAsEntry(path),
  )
  assert.ok(!isAsDeepAsEntry('src/relay/transfer/pump.ts') && isAsDeepAsEntry('src/cli/main.ts'))
  none(
    findings.map(({ path }) => path),
    'In the bundle import.meta.url is that of src/cli/main.ts or of a thread: move the URL to a file of that depth:',
  )
})

function isAsDeepAsEntry(path: string): boolean {
  return path.split('/').length === 3
}

test('every link of the documentation has a target', () => {
  const pages = files.filter((path) => path.endsWith('.md'))
  const findings = pages.flatMap((path) =>
    linksOf(readText(path)).flatMap(({ target, line }) => {
      const [file = '', heading] = target.split('#')
      const place = file === '' ? path : posix.join(posix.dirname(path), file)
      if (!existsSync(ROOT + place)) return [`${path}:${line} ${target}: there is no ${place}`]
      if (heading === undefined || headingsOf(readText(place)).includes(heading)) return []
      return [`${path}:${line} ${target}: there is no such heading`]
    }),
  )
  none(findings, 'These links are broken:')
})

interface PageLink {
  readonly target: string
  readonly line: number
}

/** Links to files of the project. */
function linksOf(page: string): readonly PageLink[] {
  return withoutBlocks(page).flatMap((text, index) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => ({ target, line: index + 1 }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  )
}

/** The anchors of a page, generated from its headings. */
function headingsOf(page: string): readonly string[] {
  return withoutBlocks(page)
    .filter((line) => /^#+ /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    )
}

/** The lines of a page, with code blocks blanked out. */
function withoutBlocks(page: string): readonly string[] {
  let isBlock = false
  return page.split('\n').map((line) => {
    if (!line.trimStart().startsWith('```')) return isBlock ? '' : line
    isBlock = !isBlock
    return ''
  })
}

test('every file of examples/ is run by a test', () => {
  const tests = files.filter((path) => /^test\/integration\/examples.*\.test\.ts$/.test(path)).map(readText)
  const named = tests.flatMap((text) =>
    [...text.matchAll(/^test\('([\w-]+\.cfg): /gm)].map(([, name]) => name),
  )
  const existing = files.flatMap((path) => /^examples\/(.+)$/.exec(path)?.[1] ?? [])
  assert.deepEqual(named.toSorted(), existing.toSorted())
})

for (const page of ['docs/architecture.md', 'docs/where-to-change.md']) {
  test(`every file named in ${page} exists`, () => {
    const named = withoutBlocks(readText(page)).flatMap((text, index) =>
      [...text.matchAll(/`([\w./-]+(?:\.(?:ts|js|mjs|md|json)|\/))`/g)].map(([, path = '']) => ({
        path,
        line: index + 1,
      })),
    )
    assert.ok(named.length > 20, 'the page names files')
    const missing = named.filter(({ path }) => !isNamed(path))
    none(
      missing.map(({ path, line }) => `${page}:${line} ${path}`),
      'These files or folders do not exist:',
    )
  })
}

/** Paths may be abbreviated: `kernel/ffi.ts`, or `ffi.ts` if the folder is obvious. A folder ends in a slash. */
function isNamed(path: string): boolean {
  return files.some((file) =>
    path.endsWith('/') ? `/${file}`.includes(`/${path}`) : `/${file}`.endsWith(`/${path}`),
  )
}

test('decisions are numbered without gaps', () => {
  const numbers = files
    .flatMap((path) => /^docs\/decisions\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1] ?? [])
    .map(Number)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
  for (const path of files.filter((path) => path.startsWith('docs/decisions/'))) {
    assert.match(readText(path), /^# \d+\. \S/, `${path} starts with its number`)
  }
})
