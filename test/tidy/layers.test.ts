/** Checks that imports follow the layers of layers.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cyclesOf, loadedBy, loadGraph } from './graph.js'
import { FFI_FILE, FLOORS, LAYERS } from './layers.js'
import { folderOf, isTest, readText, type Source, sourceOf, sourcesBelow } from './sources.js'

const sources = sourcesBelow('src')
const product = sources.filter(({ path }) => !isTest(path))

/** Fails with all findings, and with advice. */
function none(findings: readonly string[], advice: string): void {
  assert.deepEqual(findings, [], `${advice}\n  ${findings.join('\n  ')}\n`)
}

const runsOn = (path: string) => LAYERS[folderOf(path)]?.on

function layerFindings(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) => {
    const folder = folderOf(path)
    const layer = LAYERS[folder]
    if (layer === undefined) return [`${path}: src/${folder}/ is no layer`]
    return imports.flatMap(({ isTypeOnly, line, target }) => {
      const where = `${path}:${line}`
      if (!target.startsWith('src/')) {
        if (target === 'koffi') return path === FFI_FILE ? [] : [`${where} imports koffi`]
        const isAllowed = layer.outside?.some((name) =>
          name === 'node:' ? target.startsWith(name) : target === name,
        )
        return isAllowed ? [] : [`${where} imports ${target}`]
      }
      const to = folderOf(target)
      const mayName = layer.namesAllTypes === true || layer.namesTypesOf?.includes(to) === true
      if (to === folder || layer.below.includes(to) || (isTypeOnly && mayName)) return []
      return [`${where} imports ${target}: ${to}/ is not below ${folder}/`]
    })
  })
}

/** The place of a file among the floors of its layer: 0 is the lowest. -1: in a folder that is no floor. */
function floorOf(path: string, floors: readonly string[]): number {
  const [, , folder = '', ...rest] = path.split('/')
  return rest.length === 0 ? floors.length : floors.indexOf(folder)
}

function floorFindings(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, imports }) => {
    const layer = folderOf(path)
    const floors = FLOORS[layer]
    if (floors === undefined) return []
    const floor = floorOf(path, floors)
    if (floor < 0) return [`${path}: its folder is no floor of ${layer}/`]
    return imports
      .filter(({ target }) => target.startsWith(`src/${layer}/`) && floorOf(target, floors) > floor)
      .map(({ line, target }) => `${path}:${line} imports ${target}, which is on a higher floor`)
  })
}

const LAYER_ADVICE =
  'Imports go down the layers of docs/architecture.md. Move the code to the layer that it needs, pass the value' +
  ' as an argument, or change the table in test/tidy/layers.ts with a decision record:'

test('docs/architecture.md lists every layer with its thread', () => {
  const text = readText('docs/architecture.md')
  const rows = [...text.matchAll(/^\| `(\w+)\/` \| ([PRCB–]) \|/gm)].map(
    ([, folder, on]) => `${folder} ${on}`,
  )
  const layers = Object.entries(LAYERS).map(([folder, { on }]) => `${folder} ${on === 'root' ? '–' : on}`)
  assert.deepEqual(rows.toSorted(), layers.toSorted())
})

test('every folder is a layer, and every import goes down', () => {
  none(layerFindings(product), LAYER_ADVICE)
})

test('docs/architecture.md lists every floor, the lowest first', () => {
  const text = readText('docs/architecture.md')
  const layers = Object.keys(FLOORS).join('|')
  const rows = [...text.matchAll(new RegExp(`^\\| \`((?:${layers})/\\w+)/\` \\|`, 'gm'))].map(
    ([, folder]) => folder,
  )
  assert.deepEqual(
    rows,
    Object.entries(FLOORS).flatMap(([layer, floors]) => floors.map((floor) => `${layer}/${floor}`)),
  )
})

test('every folder of a layer with floors is one, and every import between floors goes down', () => {
  none(
    floorFindings(product),
    'Move the code to the floor that it needs, pass the value as an argument, or change FLOORS in test/tidy/layers.ts:',
  )
})

test('the layers form no cycle', () => {
  const graph = new Map(Object.entries(LAYERS).map(([folder, { below }]) => [folder, below]))
  none(cyclesOf(graph), 'A layer cannot be below itself:')
})

test('files do not load each other in a cycle', () => {
  none(
    cyclesOf(loadGraph(product)),
    'In a cycle, the file that is loaded first sees the others uninitialised. Move what both need into a third file,' +
      ' or import only types:',
  )
})

test('pure layers load no layer with system calls', () => {
  const graph = loadGraph(product)
  const findings = product
    .filter(({ path }) => runsOn(path) === 'P')
    .flatMap(({ path }) => {
      const loaded = loadedBy(graph, path)
      return [...loaded]
        .filter(([to]) => runsOn(to) !== 'P')
        .map(([to, via]) => `${path} loads ${to} via ${via}`)
    })
  none(findings, 'Pure code runs in tests, in simulations and in the checker: pass the value as an argument:')
})

/** Entry points of worker threads. */
const ENTRIES = product.map(({ path }) => path).filter((path) => path.endsWith('-entry.ts'))

test('reactor code does not load code of the control thread', () => {
  const graph = loadGraph(product)
  const onReactor = product.map(({ path }) => path).filter((path) => ['R', 'B'].includes(runsOn(path) ?? ''))
  const findings = [...onReactor, ...ENTRIES].flatMap((path) => {
    return [...loadedBy(graph, path)]
      .filter(([to]) => runsOn(to) === 'C')
      .map(([to, via]) => `${path} loads ${to} via ${via}`)
  })
  assert.ok(ENTRIES.includes('src/engine/reactor-entry.ts'))
  none(findings, 'A thread that blocks in the poller runs nothing of Node: send a message instead:')
})

test('the product does not import its tests', () => {
  const findings = product.flatMap(({ path, imports }) =>
    imports
      .filter(({ target }) => !target.startsWith('src/') || isTest(target))
      .filter(({ target }) => /^(test|bench)\/|\.test\.ts$/.test(target))
      .map(({ target }) => `${path} imports ${target}`),
  )
  none(findings, 'Tests are not part of the package:')
})

test('the rules find violations', () => {
  const find = (path: string, text: string) => layerFindings([sourceOf(path, text)])
  assert.deepEqual(find('src/relay/x.ts', "import { a } from '../reactor/loop.js'"), [])
  assert.deepEqual(find('src/base/x.ts', "import { a } from '../kernel/ffi.js'"), [
    'src/base/x.ts:1 imports src/kernel/ffi.ts: kernel/ is not below base/',
  ])
  assert.equal(find('src/reactor/x.ts', "import type { A } from '../relay/session.js'").length, 1)
  assert.equal(find('src/config/x.ts', "import type { A } from '../relay/options.js'").length, 0)
  assert.equal(find('src/config/x.ts', "import { type A, type B } from '../relay/options.js'").length, 0)
  assert.equal(find('src/config/x.ts', "import { type A, b } from '../relay/options.js'").length, 1)
  assert.equal(find('src/config/x.ts', "export { b } from '../relay/options.js'").length, 1)
  assert.equal(find('src/relay/x.ts', "const m = await import('../control/process/shutdown.js')").length, 1)
  assert.equal(find('src/relay/x.ts', "import koffi from 'koffi'").length, 1)
  assert.equal(find('src/relay/x.ts', "import { readFileSync } from 'node:fs'").length, 1)
  assert.equal(find('src/nowhere/x.ts', '').length, 1)
  assert.deepEqual(
    find('src/relay/x.ts', "// import { a } from '../master/x.js'\nconst s = \"import from './x'\""),
    [],
  )
  const findFloor = (path: string, text: string) => floorFindings([sourceOf(path, text)])
  assert.deepEqual(findFloor('src/plan/check/x.ts', "import { a } from '../load/load.js'"), [])
  assert.deepEqual(findFloor('src/plan/load/x.ts', "import type { A } from '../check/check.js'"), [
    'src/plan/load/x.ts:1 imports src/plan/check/check.ts, which is on a higher floor',
  ])
  assert.equal(findFloor('src/control/children/x.ts', "import { a } from '../head.js'").length, 1)
  assert.deepEqual(findFloor('src/control/x.ts', "import { a } from './children/child.js'"), [])
  assert.deepEqual(findFloor('src/control/nowhere/x.ts', ''), [
    'src/control/nowhere/x.ts: its folder is no floor of control/',
  ])
  const ring = [
    sourceOf('src/base/a.ts', "import { b } from './b.js'"),
    sourceOf('src/base/b.ts', "import { c } from './c.js'"),
    sourceOf('src/base/c.ts', "import { b } from './b.js'\nimport type { A } from './a.js'"),
  ]
  assert.deepEqual(cyclesOf(loadGraph(ring)), ['src/base/b.ts -> src/base/c.ts -> src/base/b.ts'])
})
