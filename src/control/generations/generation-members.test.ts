import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { generationOf, loadedMaster } from '../../../test/support/generations.js'
import type { StateChange } from '../../engine/live-state.js'
import { REMOTE_COUNT } from '../../observe/counters.js'
import { CounterKeeper } from '../../services/counter-keeper.js'
import type { PlacedMember } from './placed-member.js'

const POOL = 'pool = web { discover = { type = file file = /members slots = 3 remote = { weight = 4 } } }'

function member(name: string, index: number, others: Partial<PlacedMember> = {}): PlacedMember {
  const addresses = [{ family: 'ipv4', host: '10.0.0.1', port: 80 } as const]
  return { index, name, addresses, weight: undefined, tier: undefined, ...others }
}

async function worldOf(t: TestContext) {
  const loaded = await loadedMaster(t, '', `remote = { address = 127.0.0.1 port = 1 } ${POOL}`)
  const changes: StateChange[] = []
  const counters = new CounterKeeper()
  const onState = (change: StateChange) => void changes.push(change)
  const open = (present?: ReturnType<typeof generationOf>, members: readonly PlacedMember[] = []) =>
    generationOf(loaded, present, false, {
      counters,
      onState,
      membersOf: (pool) => (pool === 'web' ? members : []),
    })
  return { changes, counters, open }
}

test('members have slots, weights of the remote block unless they say otherwise, and health under the name of their pool', async (t) => {
  const { changes, open } = await worldOf(t)
  const generation = open(undefined, [member('a', 0)])
  t.after(() => generation.retire())
  const spares = generation.plan.pools.find(({ name }) => name === 'web')?.spares ?? []
  assert.equal(spares.length, 3)
  assert.deepEqual([...generation.live.members.keys()], [spares[0]])
  generation.applyMembers('web', { joined: [member('b', 2, { weight: 1, tier: 1 })], left: [0] })
  generation.applyMembers('other', { joined: [member('c', 1)], left: [] })
  const members = [...generation.live.members.values()]
  assert.deepEqual(
    members.map(({ healthName, name, slot, tier, weight }) => [slot, name, healthName, weight, tier]),
    [[spares[2], 'b', 'b (pool web)', 1, 1]],
  )
  assert.deepEqual(
    changes.map(({ what }) => what),
    ['members'],
  )
  assert.deepEqual(
    generation.watchedRemotes.map(({ name }) => name),
    ['127.0.0.1:1', 'b (pool web)'],
  )
  assert.deepEqual([generation.members.useOf('web', 2), generation.members.useOf('web', 9)], [0, 0])
})

test('after a reload a member is in its slot, with what policies remember and children have counted', async (t) => {
  const { counters, open } = await worldOf(t)
  const old = open(undefined, [member('a', 1)])
  const [slot = 0] = [...old.live.members.keys()]
  old.enter(0)
  const row = old.memory.cells.child(0).remoteCounters
  row[slot * Object.keys(REMOTE_COUNT).length + REMOTE_COUNT.sessions] = 5
  old.memory.cells.policies.turns[slot] = 7
  const next = open(old, [member('a', 1)])
  assert.deepEqual([...next.live.members.keys()], [slot])
  assert.equal(next.memory.cells.policies.turns[slot], 7)
  assert.equal(counters.read().remotes.get('web/a')?.sessions, 5)
  next.applyMembers('web', { joined: [member('z', 1)], left: [] })
  assert.equal(next.memory.cells.policies.turns[slot], 0)
  assert.equal(counters.read().remotes.get('web/a')?.sessions, 5)
  assert.equal(counters.read().remotes.get('web/z')?.sessions, 0)
  old.retire()
  old.leave(0)
  next.retire()
})
