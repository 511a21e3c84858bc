import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { foundMember as member } from '../../../test/support/found-member.js'
import type { SocketAddress } from '../../base/address.js'
import type { DiscoverPlan } from '../../discovery/discover-plan.js'
import { CONFIRM_AFTER_MS } from '../../discovery/pool-members.js'
import type { FoundMember, SourceEvents } from '../../discovery/source.js'
import { Boundary } from '../../observe/boundary.js'
import { DiscoveredPool, type DiscoveredPoolParts } from './discovered-pool.js'
import type { PlacedChanges } from './placed-member.js'

const FILE = { type: 'file', path: '/members', intervalMs: 1_000 } as unknown as DiscoverPlan['source']
const PLAN: DiscoverPlan = { pool: 'web', slots: 3, maxRemoved: 0.5, source: FILE }

type OnAddresses = (slot: number, addresses: readonly SocketAddress[]) => void

/** A pool whose sources are opened by `open`, and what it says and does. */
async function poolOf(t: TestContext, known: readonly FoundMember[] = [], plan = PLAN) {
  const lines: string[] = []
  const changes: PlacedChanges[] = []
  const sources: { readonly events: SourceEvents; isClosed: boolean; asked: number }[] = []
  const names = new Map<string, OnAddresses>()
  const inUse = new Set<number>()
  let nowMs = 0
  const say = (_: number, text: string) => void lines.push(text)
  const parts = {
    say,
    boundary: new Boundary(say, () => 0),
    nowMs: () => nowMs,
    isInUse: (_: string, index: number) => inUse.has(index),
    onChanges: (_: string, change: PlacedChanges) => void changes.push(change),
    resolver: {
      watch([named], onAddresses) {
        const host = named?.host ?? ''
        names.set(host, onAddresses)
        return { known: new Map(), looked: Promise.resolve(), close: () => void names.delete(host) }
      },
    },
    open: async (_, events) => {
      const source = { events, isClosed: false, asked: 0 }
      sources.push(source)
      return {
        askAgain: () => void source.asked++,
        close() {
          source.isClosed = true
        },
      }
    },
  } satisfies DiscoveredPoolParts
  const pool = new DiscoveredPool(plan, known, parts)
  t.after(() => pool.close())
  await turn()
  const answer = (...members: readonly FoundMember[]) => sources.at(-1)?.events.onAnswer(members)
  const pass = (ms: number) => {
    nowMs += ms
    t.mock.timers.tick(ms)
  }
  return { answer, changes, inUse, lines, names, pass, pool, sources }
}

/** Sources are opened asynchronously. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

test('members get slots and addresses, and each change one log line', async (t) => {
  const { answer, changes, lines, pool } = await poolOf(t)
  answer(member('a', { hosts: ['10.0.0.1', '::1'], weight: 2 }), member('b', { tier: 1 }))
  await pool.ready
  assert.deepEqual(changes.splice(0), [
    {
      joined: [
        {
          index: 0,
          name: 'a',
          addresses: [
            { family: 'ipv4', host: '10.0.0.1', port: 80 },
            { family: 'ipv6', host: '::1', port: 80, scope: '' },
          ],
          weight: 2,
          tier: undefined,
        },
        {
          index: 1,
          name: 'b',
          addresses: [{ family: 'ipv4', host: '10.0.0.1', port: 80 }],
          weight: undefined,
          tier: 1,
        },
      ],
      left: [],
      areOthers: true,
    },
  ])
  answer(member('b', { tier: 1 }), member('c', { weight: 7 }))
  answer(member('b', { tier: 0 }), member('c', { weight: 7 }))
  assert.deepEqual(
    changes.map(({ areOthers, joined, left }) => [
      joined.map(({ index, name }) => [index, name]),
      left,
      areOthers,
    ]),
    [
      [[[2, 'c']], [0], true],
      [[[1, 'b']], [], false],
    ],
  )
  assert.deepEqual(lines, [
    'pool web: members: joined a, b: 2 now',
    'pool web: members: joined c; left a: 2 now',
    'pool web: members: changed b (tier 0): 2 now',
  ])
})

test('a problem is logged once, and removes nothing', async (t) => {
  const { answer, changes, lines, pool, sources } = await poolOf(t, [member('a')])
  sources[0]?.events.onProblem('HTTP 503')
  sources[0]?.events.onProblem('HTTP 503')
  await pool.ready
  assert.deepEqual(
    pool.placed.map(({ name }) => name),
    ['a'],
  )
  answer(member('a'))
  assert.deepEqual(lines, [
    'pool web: cannot find members: HTTP 503',
    'pool web: the source of members answers again',
  ])
  assert.deepEqual(changes, [])
})

test('what an answer lacks is logged when it changes, twice a minute at most', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { lines, pass, sources } = await poolOf(t, [member('a')])
  const answer = (lack?: string) => sources[0]?.events.onAnswer([member('a')], lack)
  for (const lack of ['x', 'x', 'y']) answer(lack)
  pass(30_000)
  for (const lack of ['y', undefined, undefined]) answer(lack)
  assert.deepEqual(lines, [
    'pool web: a part of the answer cannot be used: x',
    'pool web: a part of the answer cannot be used: y',
    'pool web: all of the answer can be used again',
  ])
})

test('repeated failures of a source are logged twice a minute at most', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer, lines, pass, sources } = await poolOf(t, [member('a')])
  for (let i = 0; i < 40; i++) {
    sources[0]?.events.onProblem('HTTP 503')
    answer(member('a'))
    pass(1_000)
  }
  assert.deepEqual(lines, [
    'pool web: cannot find members: HTTP 503',
    'pool web: the source of members answers again',
    'pool web: cannot find members: HTTP 503',
    'pool web: the source of members answers again',
  ])
})

test('the source is asked again when an answer removes too many, and then believed', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer, changes, lines, pass, pool, sources } = await poolOf(t, [member('a'), member('b')])
  answer()
  assert.deepEqual(changes, [])
  pass(CONFIRM_AFTER_MS)
  assert.equal(sources[0]?.asked, 1)
  answer()
  assert.deepEqual(changes, [{ joined: [], left: [0, 1], areOthers: true }])
  assert.deepEqual(pool.members, [])
  assert.deepEqual(lines, [
    'pool web: an answer would remove 2 of 2 members: they stay until another answer says the same',
    'pool web: members: left a, b: 0 now',
  ])
})

test('an answer that is right again ends the doubt', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer, pass, sources } = await poolOf(t, [member('a'), member('b')])
  answer()
  answer(member('a'), member('b'))
  pass(CONFIRM_AFTER_MS)
  assert.equal(sources[0]?.asked, 0)
})

test('a member without a free slot waits for one', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer, changes, inUse, lines, pass } = await poolOf(t, [member('a'), member('b'), member('c')])
  inUse.add(0)
  answer(member('b'), member('c'), member('d'))
  pass(1_000)
  assert.deepEqual(changes.splice(0), [{ joined: [], left: [0], areOthers: true }])
  inUse.clear()
  pass(1_000)
  assert.deepEqual(
    changes[0]?.joined.map(({ index, name }) => [index, name]),
    [[0, 'd']],
  )
  assert.equal(lines.filter((line) => line.includes('no slot is free for the member d')).length, 1)
})

test('the host name of a member is looked up, and the member has no address before', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer, changes, names, pass, pool } = await poolOf(t)
  answer(member('a', { hosts: ['db.test'], port: 5432 }), member('b', { hosts: ['db2.test'] }))
  assert.deepEqual(pool.placed[0]?.addresses, [])
  const address = { family: 'ipv4', host: '10.9.9.9', port: 5432 } as const
  for (const host of ['db.test', 'db2.test']) names.get(host)?.(0, [address])
  assert.equal(changes.length, 1)
  pass(50)
  assert.deepEqual(
    changes[1]?.joined.map(({ addresses, name }) => [name, addresses]),
    [
      ['a', [address]],
      ['b', [address]],
    ],
  )
  assert.equal(changes[1]?.areOthers, false)
  // Another weight: the name is not looked up anew, and the addresses are there.
  answer(member('a', { hosts: ['db.test'], port: 5432, weight: 9 }), member('b', { hosts: ['db3.test'] }))
  assert.deepEqual(
    changes[2]?.joined.map(({ addresses, weight }) => [addresses, weight]),
    [
      [[address], 9],
      [[address], undefined],
    ],
  )
  assert.deepEqual([...names.keys()], ['db.test', 'db3.test'])
  pool.close()
  assert.equal(names.size, 0)
})

test('after a reload an equal source goes on, another one takes over, and members stay until it answers', async (t) => {
  const { answer, changes, pool, sources } = await poolOf(t)
  answer(member('a'))
  pool.use({ ...PLAN, maxRemoved: 1 })
  assert.equal(sources.length, 1)
  pool.use({
    ...PLAN,
    source: { ...FILE, type: 'file', path: '/others' } as unknown as DiscoverPlan['source'],
  })
  await turn()
  assert.deepEqual(
    sources.map(({ isClosed }) => isClosed),
    [true, false],
  )
  assert.deepEqual(
    pool.placed.map(({ name }) => name),
    ['a'],
  )
  sources[0]?.events.onAnswer([])
  assert.equal(changes.length, 1)
})

test('with fewer slots members move into those that are left', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { answer, changes, pass, pool } = await poolOf(t)
  answer(member('a'), member('b'), member('c'))
  answer(member('b'), member('c'))
  changes.length = 0
  pool.use({ ...PLAN, slots: 2 })
  assert.deepEqual(changes.splice(0), [{ joined: [], left: [2], areOthers: true }])
  pass(1_000)
  assert.deepEqual(
    changes[0]?.joined.map(({ index, name }) => [index, name]),
    [[0, 'c']],
  )
  assert.deepEqual(pool.placed.map(({ index }) => index).sort(), [0, 1])
})

test('what was said of another source does not concern the next one', async (t) => {
  const { answer, lines, pool, sources } = await poolOf(t, [member('a'), member('b')])
  answer()
  sources[0]?.events.onProblem('HTTP 503')
  pool.use({ ...PLAN, source: { ...FILE, path: '/others' } as unknown as DiscoverPlan['source'] })
  await turn()
  sources[1]?.events.onProblem('HTTP 404')
  assert.deepEqual(lines.slice(1), [
    'pool web: cannot find members: HTTP 503',
    'pool web: cannot find members: HTTP 404',
  ])
})
