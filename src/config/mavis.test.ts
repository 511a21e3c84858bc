import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeWorld } from '../../test/config/fake-world.js'
import { PLAIN_GROUPS } from '../../test/support/mavis.js'
import { AV } from '../base/mavis-attributes.js'
import type { Condition } from '../mavis/script.js'
import type { MavisSettings, ModuleSettings } from '../mavis/settings.js'
import { type Configuration, loadChosenConfiguration, loadConfiguration } from './load.js'
import { mavisSettings } from './mavis-settings.js'
import { moduleBlocks } from './table-mavis.js'
import { externalBlock, externalMtBlock, HELPER_WORDS } from './table-mavis-helpers.js'
import { wordTree } from './word-tree.js'

const IDS = { masterId: 'spawnd', childId: 'tcprelay' }
const FILES = { key: 'k'.repeat(80) }

function load(mavis: string): Configuration {
  const text = `id = spawnd { listen { port = 1 } } id = tcprelay { remote { 1.2.3.4:5 } ${mavis} }`
  const world = fakeWorld({ case: text, ...FILES })
  return loadConfiguration({ file: 'case', ...world, ...IDS, environment: new Map(), isInetd: false })
}

function settings(mavis: string): MavisSettings {
  const { problems, tcprelay } = load(`mavis authorization = host ${mavis}`)
  assert.deepEqual(problems, [])
  return mavisSettings(tcprelay)
}

function moduleOf(text: string): ModuleSettings {
  const [module] = settings(`mavis module = ${text}`).modules
  assert.ok(module !== undefined)
  return module
}

/** The settings of a module without its position. */
function described(text: string): object {
  const { position, ...rest } = moduleOf(text)
  assert.equal(position.file, 'case')
  return rest
}

const COMMON = {
  name: '0',
  onError: 'reject',
  onNotFound: 'continue',
  scriptIn: undefined,
  scriptInterim: undefined,
  scriptOut: undefined,
}

test('queries no module without `mavis authorization`', () => {
  const { problems, tcprelay } = load('')
  assert.deepEqual(problems, [])
  assert.deepEqual(mavisSettings(tcprelay), {
    authorization: 'none',
    fallback: 'deny',
    timeoutMs: 5_000,
    cacheTimeoutMs: 0,
    members: [],
    modules: [],
  })
})

test('groups are byte strings, and repeated directives add up', () => {
  const { members } = settings(
    'mavis require member = a, "Büro" mavis require member = c mavis module = null { }',
  )
  assert.deepEqual(members, ['a', 'B\xc3\xbcro', 'c'])
})

test('modules have the defaults of the original', () => {
  const program = { path: '/x/foo', words: ['/x/foo'], environment: new Map() }
  assert.deepEqual(described('external { exec = /x/foo }'), {
    ...COMMON,
    module: 'external',
    program,
    childrenMin: 4,
    childrenMax: 20,
    home: undefined,
    uid: undefined,
    gid: undefined,
    timeoutMs: undefined,
  })
  assert.deepEqual(described('external-mt { exec = /x/foo }'), {
    ...COMMON,
    module: 'external-mt',
    program,
    timeoutMs: undefined,
  })
  assert.deepEqual(described('remote { server = { address = host.example } }'), {
    ...COMMON,
    module: 'remote',
    servers: [{ target: { kind: 'udp', host: 'host.example', port: 9001 }, key: undefined }],
    localAddress: undefined,
    timeoutMs: 5_000,
    tries: 6,
    rebalance: 0,
  })
  assert.deepEqual(described('cache { }'), {
    ...COMMON,
    module: 'cache',
    expireMs: new Map(),
    purgePeriodMs: 300_000,
  })
  assert.deepEqual(described('limit { }'), {
    ...COMMON,
    module: 'limit',
    count: 0,
    timeMs: 300_000,
    purgePeriodMs: 300_000,
  })
  assert.deepEqual(described('groups { }'), { ...COMMON, ...PLAIN_GROUPS })
  assert.deepEqual(described('tee { path = /tmp/x }'), {
    ...COMMON,
    module: 'tee',
    pathIn: '/tmp/x',
    pathOut: '/tmp/x',
    mode: 0o600,
    uid: undefined,
    gid: undefined,
  })
  assert.deepEqual(described('auth { }'), { ...COMMON, module: 'auth', mode: 'password' })
  assert.deepEqual(described('error { }'), { ...COMMON, module: 'error', file: undefined, threshold: 0 })
  assert.deepEqual(described('log { }'), { ...COMMON, module: 'log' })
  assert.deepEqual(described('null { }'), { ...COMMON, module: 'null' })
})

test('tests above cover every module; a module may be named by the path of its library', () => {
  const given: Readonly<Record<string, string>> = {
    external: 'exec = /x/foo',
    'external-mt': 'exec = /x/foo',
    remote: 'server { path = /run/m }',
    tee: 'path = /tmp/x',
  }
  for (const name of moduleBlocks.keys()) {
    assert.equal(moduleOf(`/lib/libmavis_${name}.so { ${given[name] ?? ''} }`).module, name)
  }
})

test('a helper gets its arguments, environment, and the group of its user', () => {
  const module = moduleOf(
    'external { exec = /x/foo foo -s "exec" setenv A = 1 setenv B = 2 setenv A = 3 userid = nobody childs max = 2 timeout = 1m }',
  )
  assert.ok(module.module === 'external')
  assert.deepEqual(module.program, {
    path: '/x/foo',
    words: ['foo', '-s', 'exec'],
    environment: new Map([
      ['A', '3'],
      ['B', '2'],
    ]),
  })
  assert.deepEqual([module.uid, module.gid], [65_534, 65_534])
  assert.deepEqual([module.childrenMin, module.childrenMax, module.timeoutMs], [2, 2, 60_000])
})

test('arguments end at each directive of both modules', () => {
  const words = new Set(
    [externalBlock, externalMtBlock].flatMap((block) => [...wordTree(block).children.keys()]),
  )
  assert.deepEqual([...words].sort(), [...HELPER_WORDS].sort())
})

test('cuts a Blowfish key to 72 bytes', () => {
  const text =
    'mavis authorization = host mavis module = remote { server { path = @m blowfish keyfile = key } server { address = ::1 port = 7 blowfish key = ä } }'
  const { problems, tcprelay } = load(text)
  assert.deepEqual(problems, [])
  const [module] = mavisSettings(tcprelay).modules
  assert.ok(module?.module === 'remote')
  assert.deepEqual(
    module.servers.map(({ key, target }) => [target, key]),
    [
      [{ kind: 'unix', path: '\0m' }, new Uint8Array(72).fill('k'.charCodeAt(0))],
      [{ kind: 'udp', host: '::1', port: 7 }, Uint8Array.from([0xc3, 0xa4])],
    ],
  )
})

test('a cache may be restricted to one type of query', () => {
  const module = moduleOf('cache { expire = 100 expire FTP = 0 }')
  assert.ok(module.module === 'cache')
  assert.deepEqual(module.expireMs, new Map([['TACPLUS', 100_000]]))
})

test('texts and patterns of scripts consist of bytes', () => {
  const module = moduleOf('null { script in { if ($USER == "é" && $USER =~ /é/) return } }')
  const [statement] = module.scriptIn ?? []
  assert.ok(statement?.kind === 'if' && statement.condition.kind === 'and')
  const { left, right } = statement.condition
  assert.deepEqual(left, { kind: 'equal', attribute: AV.USER, value: [{ kind: 'text', text: '\xc3\xa9' }] })
  assert.ok(right.kind === 'match' && right.pattern.test('\xc3\xa9'))
})

/** Nesting depth of a condition. */
function depthOf(condition: Condition): number {
  if (condition.kind === 'not') return 1 + depthOf(condition.of)
  const isJoined = condition.kind === 'and' || condition.kind === 'or'
  return isJoined ? 1 + Math.max(depthOf(condition.left), depthOf(condition.right)) : 1
}

test('a long list of conditions becomes a balanced tree', () => {
  const module = moduleOf(`null { script in { eval ${Array(3_000).fill('$USER == x').join(' && ')} } }`)
  const [statement] = module.scriptIn ?? []
  assert.ok(statement?.kind === 'eval')
  assert.equal(depthOf(statement.condition), 13)
})

test('rejects conditions and statements that are nested too deeply', () => {
  const deep = 20_000
  for (const script of [
    `${'{ '.repeat(deep)}${'} '.repeat(deep)}`,
    `if ${'('.repeat(deep)}$USER == x${')'.repeat(deep)} return`,
    `if ${'! '.repeat(deep)}defined($USER) return`,
    `${'if ($USER == x) '.repeat(deep)} return`,
    `${'if ($USER == x) skip else '.repeat(deep)} return`,
  ]) {
    const { problems } = load(`mavis module = null { script in { ${script} } }`)
    assert.ok(problems.some(({ message }) => message.endsWith('at most 200 levels are allowed')))
  }
})

test('checks master and children with separate files against each other', () => {
  const files = {
    case: 'id = spawnd { listen { port = 1 } spawn { config = child } }',
    child: 'id = tcprelay { remote { 1.2.3.4:5 } mavis authorization = user mavis module = null { } }',
  }
  const choice = { program: 'tcprelay', programPath: '/usr/bin/tcprelay.js' } as const
  const request = {
    file: 'case',
    ...fakeWorld(files),
    environment: new Map<string, string>(),
    isInetd: false,
  }
  const { problems } = loadChosenConfiguration(request, choice)
  assert.deepEqual(
    problems.map(({ message }) => message),
    ['no listener requests client certificates or pre-shared keys'],
  )
})
