import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  changed,
  changesOf,
  type LiveState,
  NO_LIVE_STATE,
  type StateChange,
} from '../../engine/live-state.js'
import { StateKeeper } from './state-keeper.js'

const KEY = { name: Uint8Array.of(1), hmac: Uint8Array.of(2), aes: Uint8Array.of(3) }

const CHANGES: readonly StateChange[] = [
  { what: 'addresses', remoteSlot: 1, addresses: [{ family: 'ipv4', host: '10.0.0.1', port: 1 }] },
  { what: 'weight', remoteSlot: 0, weight: 7 },
  { what: 'admin-state', remoteSlot: 0, state: 'maint', sinceMs: 5 },
  { what: 'ticket-keys', keys: [KEY] },
  { what: 'staple', id: 'a', staple: Uint8Array.of(4) },
  { what: 'admin-state', remoteSlot: 0, state: 'ready', sinceMs: 0 },
]

test('reactors that start later have what earlier ones were told', () => {
  const initial: LiveState = { ...NO_LIVE_STATE, ticketKeys: [{ ...KEY, name: Uint8Array.of(9) }] }
  const told: StateChange[] = []
  const keeper = new StateKeeper(initial, (change) => void told.push(change))
  const starts: { readonly state: LiveState; readonly toldBefore: number }[] = []
  for (const change of CHANGES) {
    starts.push({ state: keeper.present, toldBefore: told.length })
    keeper.applyState(change)
  }
  assert.deepEqual(told, CHANGES)
  for (const { state, toldBefore } of starts) {
    const started = changesOf(state).reduce(changed, NO_LIVE_STATE)
    assert.deepEqual(told.slice(toldBefore).reduce(changed, started), keeper.present)
  }
})
