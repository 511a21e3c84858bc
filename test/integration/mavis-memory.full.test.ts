import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { AV } from '../../src/base/mavis-attributes.js'
import { Chain } from '../../src/mavis/chain.js'
import { ACK, FINAL, type Module, type ModuleServices, NAK, type Query } from '../../src/mavis/module.js'
import { openModule } from '../../src/mavis/open-module.js'
import type { Condition, Script, Statement } from '../../src/mavis/script.js'
import type { ModuleSettings } from '../../src/mavis/settings.js'
import { STRICT } from '../support/boundaries.js'
import { common, queryOf } from '../support/mavis.js'

const QUERIES = 100_000

/** Twice the capacity of a table, which is then full after one round and drops entries continuously. */
const CLIENTS = 20_000

/** Queries open at the same time. */
const BATCH = 1_000

/** 20 bytes per query: less than one leaked Map entry. */
const GROWTH_BYTES_MAX = 20 * QUERIES

const then: Statement = {
  kind: 'set',
  attribute: AV.CUSTOM_0,
  value: [
    { kind: 'text', text: 'net ' },
    { kind: 'group', index: 1 },
  ],
}
const condition: Condition = {
  kind: 'match',
  attribute: AV.USER,
  pattern: /^10\.(\d+)\.(.*)$/i,
  hasGroups: true,
}
const SCRIPT: Script = [{ kind: 'if', condition, then, otherwise: undefined }]

const MODULES: readonly ModuleSettings[] = [
  { ...common('0'), module: 'log' },
  { ...common('1'), module: 'limit', count: 3, timeMs: 3_600_000, purgePeriodMs: 60_000 },
  { ...common('2'), module: 'cache', expireMs: new Map([['TACPLUS', 3_600_000]]), purgePeriodMs: 60_000 },
  { ...common('3'), module: 'error', file: undefined, threshold: 2 },
  {
    ...common('4'),
    module: 'groups',
    resolveGid: true,
    resolveGids: false,
    gidAttribute: AV.CUSTOM_1,
    gidsAttribute: AV.GIDS,
    gidFilter: [],
    gidsFilter: [],
    groupFilter: [],
    groupsFilter: [{ isNegated: false, pattern: /^staff$/ }],
    memberOfFilter: [],
  },
  { ...common('5', { scriptIn: SCRIPT, scriptOut: SCRIPT }), module: 'null' },
]

/** Stands in for a helper: answers the queries of a batch together, every third one with NAK. */
class Helper implements Module {
  #open: (() => void)[] = []
  asked = 0

  ask(query: Query, answer: (code: typeof FINAL) => void): void {
    const isRefused = ++this.asked % 3 === 0
    this.#open.push(() => {
      query.values = [...query.values]
      query.values[AV.RESULT] = isRefused ? NAK : ACK
      query.values[AV.TACMEMBER] = 'staff,users'
      query.values[AV.GID] = '0'
      answer(FINAL)
    })
  }

  answerAll(): void {
    const open = this.#open
    this.#open = []
    for (const answer of open) answer()
  }
}

class World {
  readonly helper = new Helper()
  answered = 0
  lines = 0
  #asked = 0
  readonly #services: ModuleServices = {
    say: () => this.lines++,
    boundary: STRICT,
    nowMs: () => this.#asked,
    timeoutMs: 5_000,
  }
  readonly chain = new Chain(
    [
      ...MODULES.map((settings) => ({ settings, module: openModule(settings, this.#services) })),
      { settings: common('6'), module: this.helper },
    ],
    this.#services,
  )

  /** Some queries are withdrawn. */
  ask(questions: number): void {
    for (let i = 1; i <= questions; i++) {
      const client = this.#asked++ % CLIENTS
      const address = `10.${client >> 16}.${(client >> 8) & 255}.${client & 255}`
      const query = queryOf({ USER: address, IPADDR: address })
      this.chain.ask(query, () => this.answered++)
      if (i % 100 === 0) this.chain.withdraw(query)
      if (i % BATCH === 0) this.helper.answerAll()
    }
  }
}

/** Heap bytes in use. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  for (let i = 0; i < 3; i++) collect()
  return process.memoryUsage().heapUsed
}

test(`keeps no memory of ${QUERIES} queries`, async (t) => {
  const world = new World()
  world.ask(2 * CLIENTS)
  const before = heapBytes()
  const beganMs = performance.now()
  world.ask(QUERIES)
  const perSecond = (QUERIES / (performance.now() - beganMs)) * 1_000
  const grown = heapBytes() - before
  t.diagnostic(`${grown} bytes more, ${perSecond.toFixed(0)} questions a second`)
  assert.equal(world.chain.openCount, 0)
  assert.ok(world.helper.asked > QUERIES / 2, 'the helper is asked')
  assert.ok(world.answered > QUERIES, 'questions are answered')
  assert.ok(grown < GROWTH_BYTES_MAX, `${grown} bytes`)
  await world.chain.close()
})

const ANSWERS = 500
const ANSWER_BYTES = 64 * 1024

test('does not keep a whole answer alive for a cached part', () => {
  const [settings] = MODULES.filter(({ module }) => module === 'cache')
  assert.ok(settings !== undefined)
  const cache = openModule(settings, { say: () => {}, boundary: STRICT, nowMs: () => 0, timeoutMs: 5_000 })
  const before = heapBytes()
  for (let i = 0; i < ANSWERS; i++) {
    const query = queryOf({ USER: `${i}` })
    cache.ask?.(query, () => {})
    // Like an answer read from a helper: one string, of which the values are substrings.
    const answer = Buffer.alloc(ANSWER_BYTES, `${i} is a member of this group `).toString('latin1')
    query.values[AV.RESULT] = ACK
    query.values[AV.TACMEMBER] = answer.slice(1, 50)
    cache.review?.(query)
  }
  const grown = heapBytes() - before
  assert.ok(grown < (ANSWERS * ANSWER_BYTES) / 10, `${grown} bytes`)
  const known = queryOf({ USER: '7' })
  cache.ask?.(known, () => {})
  assert.equal(known.values[AV.TACMEMBER]?.length, 49)
})
