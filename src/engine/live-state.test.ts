import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deserialize, serialize } from 'node:v8'
import fc from 'fast-check'
import { NO_ACCESS_RULES, NO_RULES } from '../admission/rule-list-plan.js'
import { changed, changesOf, type LiveState, NO_LIVE_STATE, type StateChange } from './live-state.js'

const ONLY_NOBODY = { ...NO_ACCESS_RULES, section: { ...NO_RULES, ofIp: { isPermit: false } } }

const PLAIN = { noNullPrototype: true } as const
const slot = fc.nat({ max: 3 })
const address = fc.record(
  {
    family: fc.constant('ipv4' as const),
    host: fc.constantFrom('10.0.0.1', '10.0.0.2'),
    port: fc.constant(1),
  },
  PLAIN,
)
const bytes = fc.uint8Array({ maxLength: 3 })
const key = fc.record({ name: bytes, hmac: bytes, aes: bytes }, PLAIN)
const member = fc.record(
  {
    slot,
    name: fc.constantFrom('a', 'b'),
    healthName: fc.constantFrom('a', 'b'),
    addresses: fc.array(address),
    weight: fc.nat(),
    tier: fc.nat(),
  },
  PLAIN,
)
const change: fc.Arbitrary<StateChange> = fc.oneof(
  fc.record({ what: fc.constant('members' as const), joined: fc.array(member), left: fc.array(slot) }, PLAIN),
  fc.record(
    { what: fc.constant('addresses' as const), remoteSlot: slot, addresses: fc.array(address) },
    PLAIN,
  ),
  fc.record(
    { what: fc.constant('weight' as const), remoteSlot: slot, weight: fc.integer({ min: 1 }) },
    PLAIN,
  ),
  fc.record(
    {
      what: fc.constant('admin-state' as const),
      remoteSlot: slot,
      state: fc.constantFrom('ready' as const, 'drain' as const, 'maint' as const),
      sinceMs: fc.nat(),
    },
    PLAIN,
  ),
  fc.record({ what: fc.constant('ticket-keys' as const), keys: fc.array(key) }, PLAIN),
  fc.record(
    {
      what: fc.constant('staple' as const),
      id: fc.constantFrom('a', 'b'),
      staple: fc.option(bytes, { nil: undefined }),
    },
    PLAIN,
  ),
  fc.record(
    { what: fc.constant('access' as const), access: fc.constantFrom(NO_ACCESS_RULES, ONLY_NOBODY) },
    PLAIN,
  ),
)

const after = (changes: readonly StateChange[]): LiveState => changes.reduce(changed, NO_LIVE_STATE)

test('the changes of a state lead to it, whatever led to it first', () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const state = after(changes)
      assert.deepEqual(after(changesOf(state)), state)
    }),
  )
})

test('a state crosses to a child and to a thread as it is', () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const state = after(changes)
      const arrived = deserialize(serialize(state))
      assert.deepEqual(arrived, state)
      assert.deepEqual(structuredClone(state), state)
    }),
  )
})

test('an expired OCSP response is gone, and a state that was handed out does not change', () => {
  const staple = Uint8Array.of(1)
  const first = after([{ what: 'staple', id: 'a', staple }])
  const second = changed(first, { what: 'staple', id: 'a', staple: undefined })
  assert.deepEqual([[...first.staples], [...second.staples]], [[['a', staple]], []])
})

test('weight and admin state of a member are forgotten when it has left', () => {
  const state = after([
    { what: 'weight', remoteSlot: 1, weight: 5 },
    { what: 'admin-state', remoteSlot: 1, state: 'drain', sinceMs: 7 },
    { what: 'weight', remoteSlot: 2, weight: 6 },
    { what: 'members', joined: [], left: [1, 3] },
  ])
  assert.deepEqual([[...state.weights], [...state.adminStates]], [[[2, 6]], []])
})
