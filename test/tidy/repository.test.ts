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

test('what every change has to pass is there and can be run', () => {
  assert.ok((statSync(`${ROOT}.ci/run`).mode & 0o111) !== 0, '.ci/run is executable')
  assert.match(readText('.ci/run'), /^npm test$/m)
  const { scripts } = JSON.parse(readText('package.json'))
  for (const name of ['start', 'build', 'lint', 'test', 'test:full', 'bench'])
    assert.ok(name in scripts, name)
})

/** Written in parts, so that this file does not find itself. */
const OF_ONE_MACHINE = new RegExp(
  [
    `/${'work'}/`,
    `/${'root'}/`,
    `/home/(?!joe\\b)\\w`,
    `/${'Users'}/\\w`,
    `https?://[^\\s"'/]*${'registry'}[^\\s"']*`,
  ].join('|'),
)

test('no file knows the machine that it was written on', () => {
  const findings = files
    .filter((path) => !/\.(png|gz|pem|der)$/.test(path))
    .flatMap((path) =>
      readText(path)
        .split('\n')
        .flatMap((line, index) =>
          OF_ONE_MACHINE.test(line) ? [`${path}:${index + 1} ${line.trim().slice(0, 90)}`] : [],
        ),
    )
  none(
    findings,
    'Paths and package sources of one machine are wrong on every other: use os.tmpdir() or a relative path:',
  )
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
  none(dead, 'Nothing of the product loads this file: remove it, or use it:')
})

function resolved(from: string, text: string): string {
  return posix.join(posix.dirname(from), text).replace(/\.js$/, '.ts')
}

/**
 * Came before their tests; they are run by the integration tests only. Nothing is added here: a new file comes
 * with its test, and who writes one for these removes the line.
 */
const WITHOUT_TEST_YET = new Set([
  'src/accept/broker-child.ts',
  'src/accept/dispatcher.ts',
  'src/accept/access-rules.ts',
  'src/accept/inherited.ts',
  'src/accept/wire-end.ts',
  'src/accept/placement.ts',
  'src/accept/sticky-cache.ts',
  'src/admission/access-list.ts',
  'src/kernel/message-batch.ts',
  'src/kernel/message-calls.ts',
  'src/wire/child-message.ts',
])

test('every file that does not need a control thread is reached by a test', () => {
  const graph = loadGraph(sources)
  const begun = sources
    .filter(({ path }) => isTest(path))
    .flatMap((source) => [source.path, ...startedBy(source)])
  const tested = new Set(begun.flatMap((path) => [path, ...loadedBy(graph, path).keys()]))
  const untested = product
    .filter(({ path }) => ['P', 'R', 'B'].includes(LAYERS[folderOf(path)]?.on ?? ''))
    // The first file of a worker thread only runs in a process that starts one: the integration tests do.
    .filter(({ path }) => !path.endsWith('-entry.ts'))
    .filter(({ path, tokens }) => hasCode(tokens) && !tested.has(path) && !WITHOUT_TEST_YET.has(path))
    .map(({ path }) => path)
  none(
    untested,
    'Layers without a control thread can be tested in milliseconds: write the test beside the file:',
  )
})

/** What a test starts in a thread or process of its own: the modules that its texts name. */
function startedBy({ path, tokens }: Source): readonly string[] {
  return tokens
    .filter(({ kind }) => kind === 'text')
    .flatMap(({ text }) => [text, ...[...text.matchAll(/'(\.{1,2}\/[^']+)'/g)].map(([, name = '']) => name)])
    .filter((text) => text.startsWith('.') && text.endsWith('.js'))
    .map((text) => resolved(path, text))
}

/** A file of types alone has nothing that could be tested. */
function hasCode(tokens: readonly { readonly text: string }[]): boolean {
  return tokens.some(({ text }) => ['function', 'class', 'const'].includes(text))
}

test('every link of the documentation leads somewhere', () => {
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
  none(findings, 'A page that sends readers nowhere was not read again after a change:')
})

interface Link {
  readonly target: string
  readonly line: number
}

/** Links to files of the project. */
function linksOf(page: string): readonly Link[] {
  return withoutBlocks(page).flatMap((text, index) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => ({ target, line: index + 1 }))
      .filter(({ target }) => !/^[a-z]+:/.test(target)),
  )
}

/** The anchors of a page, as they are made from headings. */
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

/** The lines of a page; those of code blocks are empty. */
function withoutBlocks(page: string): readonly string[] {
  let isBlock = false
  return page.split('\n').map((line) => {
    if (!line.trimStart().startsWith('```')) return isBlock ? '' : line
    isBlock = !isBlock
    return ''
  })
}

test('every file that the map names is there', () => {
  const page = 'docs/architecture.md'
  const named = withoutBlocks(readText(page)).flatMap((text, index) =>
    [...text.matchAll(/`([\w./-]+\.(?:ts|js|mjs|md|json))`/g)].map(([, path = '']) => ({
      path,
      line: index + 1,
    })),
  )
  assert.ok(named.length > 20, 'the map names files')
  // Paths may be short: `kernel/ffi.ts`, or `ffi.ts` where the folder is clear.
  const missing = named.filter(({ path }) => !files.some((file) => `/${file}`.endsWith(`/${path}`)))
  none(
    missing.map(({ path, line }) => `${page}:${line} ${path}`),
    'The map is read by those who look for something:',
  )
})

test('decisions are numbered without gaps', () => {
  const numbers = files
    .flatMap((path) => /^docs\/decisions\/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1] ?? [])
    .map(Number)
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  )
  for (const path of files.filter((path) => path.startsWith('docs/decisions/'))) {
    assert.match(readText(path), /^# \d+\. \S/, `${path} begins with its number`)
  }
})
