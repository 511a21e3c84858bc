import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNTRACKED } from '../base/limit-taking.js'
import { LimitTable, limitBytes } from '../cells/limit-table.js'
import { heapRegion } from '../kernel/region.js'
import type { LimitPlan } from './limit-plan.js'
import { Limiter, type LimitFacts, NO_PLACE } from './limiter.js'
import { Limits } from './limits.js'
import { NO_TOKEN } from './token-bucket.js'

const PLAN: LimitPlan = {
  name: '1',
  position: { file: 'relay.cfg', line: 3 },
  scope: { of: 'section' },
  key: { by: 'source', ipv4Bits: 32, ipv6Bits: 64 },
  connections: Number.POSITIVE_INFINITY,
  rate: undefined,
  action: 'close',
  holdMs: 10_000,
  heldMax: 10,
  entries: 64,
  ban: undefined,
}

function limiterOf(plan: Partial<LimitPlan>, index = 0): { limiter: Limiter; untracked: string[] } {
  const untracked: string[] = []
  const entries = plan.entries ?? PLAN.entries
  const limiter = new Limiter({
    index,
    plan: { ...PLAN, ...plan },
    table: new LimitTable(heapRegion(limitBytes(entries)).bytes, { childSlot: 0, held: undefined }),
    seed: 12345,
    listeners: ['front', 'back'],
    onUntracked: ({ name }) => untracked.push(name),
  })
  return { limiter, untracked }
}

interface Client {
  readonly address?: readonly number[]
  readonly listenerSlot?: number
  readonly serverName?: string
  readonly fingerprint?: string
}

function factsOf({ address = [], fingerprint, listenerSlot = 0, serverName = '' }: Client): LimitFacts {
  return {
    listenerSlot,
    address: Uint8Array.from([0, 0, ...address]),
    addressAt: 2,
    addressByteCount: address.length,
    serverName: () => serverName,
    certificate: () => (fingerprint === undefined ? undefined : { fingerprint: () => fingerprint }),
  }
}

/** Clients that get a place of a limit of one connection, in this order. */
function admitted(
  plan: Partial<LimitPlan>,
  clients: readonly (Client & { readonly pool?: string })[],
): boolean[] {
  const { limiter } = limiterOf({ ...plan, connections: 1 })
  return clients.map((client) => !limiter.aim(factsOf(client), client.pool) || limiter.take(0) >= 0)
}

const V6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0]

test('counts by the address, IPv6 by networks of 64 bits', () => {
  const clients = [
    [192, 0, 2, 1],
    [192, 0, 2, 2],
    [192, 0, 2, 1],
    [...V6, 1, ...Array(8).fill(1)],
  ]
  const sameNetwork = [...V6, 1, ...Array(8).fill(2)]
  const otherNetwork = [...V6, 2, ...Array(8).fill(1)]
  const results = admitted(
    {},
    [...clients, sameNetwork, otherNetwork].map((address) => ({ address })),
  )
  assert.deepEqual(results, [true, true, false, true, false, true])
})

test('counts by networks of another size', () => {
  const key = { by: 'source', ipv4Bits: 24, ipv6Bits: 48 } as const
  const addresses = [
    [192, 0, 2, 1],
    [192, 0, 2, 200],
    [192, 0, 3, 1],
  ]
  assert.deepEqual(
    admitted(
      { key },
      addresses.map((address) => ({ address })),
    ),
    [true, false, true],
  )
})

test('counts by listener, pool, server name, certificate, or all together', () => {
  const one = { listenerSlot: 0, pool: 'a', serverName: 'a.test', fingerprint: 'aa' }
  const other = { listenerSlot: 1, pool: 'b', serverName: 'b.test', fingerprint: 'bb' }
  for (const by of ['listener', 'pool', 'server-name', 'certificate'] as const)
    assert.deepEqual(admitted({ key: { by } }, [one, other, one]), [true, true, false], by)
  assert.deepEqual(admitted({ key: { by: 'all' } }, [one, other]), [true, false])
})

test('clients without the key are not limited', () => {
  for (const by of ['pool', 'server-name', 'certificate'] as const)
    assert.deepEqual(admitted({ key: { by } }, [{}, {}]), [true, true], by)
  assert.deepEqual(admitted({}, [{}, {}]), [true, true])
  // A classic master does not say which listener it was.
  assert.deepEqual(admitted({ key: { by: 'listener' } }, [{ listenerSlot: 9 }, { listenerSlot: 9 }]), [
    true,
    true,
  ])
})

test('a place that is given back is free for the next client', () => {
  const { limiter } = limiterOf({ connections: 1 })
  limiter.aim(factsOf({ address: [1, 2, 3, 4] }))
  const entry = limiter.take(0)
  assert.deepEqual([limiter.isFull(), limiter.held, limiter.take(0)], [true, 1, NO_PLACE])
  limiter.giveBack(entry)
  assert.deepEqual([limiter.isFull(), limiter.held, limiter.take(0)], [false, 0, entry])
})

test('a full table admits new keys and reports it', () => {
  const { limiter, untracked } = limiterOf({ connections: 1, entries: 16 })
  for (let i = 0; i < 16; i++) {
    limiter.aim(factsOf({ address: [1, 2, 3, i] }))
    assert.ok(limiter.take(0) >= 0)
  }
  limiter.aim(factsOf({ address: [1, 2, 3, 99] }))
  assert.deepEqual([limiter.take(0), untracked], [UNTRACKED, ['1']])
})

test('each key has a bucket of its own', () => {
  const { limiter } = limiterOf({ rate: { count: 2, withinMs: 1_000, burst: 2 } })
  const take = (last: number, atMs: number) =>
    limiter.aim(factsOf({ address: [1, 2, 3, last] })) && limiter.takeToken(atMs)
  assert.deepEqual([take(1, 0), take(1, 0), take(1, 0), take(2, 0)], [true, true, false, true])
  assert.deepEqual([limiter.tokens(0), take(1, 500), take(1, 500)], [1, true, false])
})

test('a bucket that was not used for hours is full, though times wrap', () => {
  const { limiter } = limiterOf({ rate: { count: 1, withinMs: 1_000, burst: 1 } })
  limiter.aim(factsOf({ address: [1, 2, 3, 4] }))
  for (let hours = 0; hours < 200; hours += 4.7) assert.ok(limiter.takeToken(hours * 3_600_000), `${hours}`)
})

test('a token may be taken in advance, for a limited time', () => {
  const rate = { count: 1, withinMs: 1_000, burst: 1 }
  const { limiter } = limiterOf({ rate, action: 'queue', holdMs: 2_000 })
  limiter.aim(factsOf({ address: [1, 2, 3, 4] }))
  const waits = [1, 2, 3, 4].map(() => Math.round(limiter.reserveToken(0, 2_000)))
  assert.deepEqual(waits, [0, 1_000, 2_000, NO_TOKEN])
})

test('bans a key after its rejections, those of other kinds left out', () => {
  const ban = { causes: ['rate', 'handshake'], after: 3, withinMs: 10_000, forMs: 60_000 } as const
  const { limiter } = limiterOf({ ban })
  limiter.aim(factsOf({ address: [1, 2, 3, 4] }))
  const count = (cause: 'rate' | 'rules' | 'handshake', atMs: number) => limiter.countRejection(cause, atMs)
  assert.deepEqual(
    [count('rate', 0), count('rules', 0), count('rules', 0), count('handshake', 0)],
    [false, false, false, false],
  )
  assert.deepEqual([limiter.bannedMs(0), count('rate', 0), limiter.bannedMs(1_000)], [0, true, 59_000])
  limiter.aim(factsOf({ address: [1, 2, 3, 5] }))
  assert.equal(limiter.bannedMs(1_000), 0)
})

test('limits apply to the clients of their scope, by address before the others', () => {
  const plans: Partial<LimitPlan>[] = [
    { name: 'all' },
    { name: 'sni', key: { by: 'server-name' } },
    { name: 'front', scope: { of: 'listener', block: 0 } },
    { name: 'back', scope: { of: 'listener', block: 1 }, key: { by: 'certificate' } },
    { name: 'web', scope: { of: 'pool', pool: 1 } },
  ]
  const limits = new Limits(
    plans.map((plan, index) => limiterOf(plan, index).limiter),
    [{ block: 0 }, { block: 1 }],
  )
  const names = (limiters: readonly Limiter[]) => limiters.map(({ plan }) => plan.name).join()
  assert.deepEqual(
    [names(limits.early(0)), names(limits.early(1)), names(limits.early(7))],
    ['all,front', 'all', 'all'],
  )
  assert.deepEqual(
    [names(limits.late(0, undefined)), names(limits.late(1, 0)), names(limits.late(1, 1))],
    ['sni', 'sni,back', 'sni,back,web'],
  )
  assert.deepEqual([limits.needsPool, limits.hasLate(0)], [true, true])
})
