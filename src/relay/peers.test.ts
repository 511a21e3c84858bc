import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UNIX_PEER_BYTES } from '../kernel/peer-credentials.js'
import { Peers } from './peers.js'

/** A socket address of 28 bytes, none of them zero, in the room that accept(2) is given. */
function address(seed: number): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, i) => 1 + ((seed * 31 + i) % 255))
}

test('each record keeps its latest address', () => {
  const peers = new Peers()
  const records = [0, 1, 1023, 1024, 5000]
  for (const record of records) peers.note(record, address(9), false)
  for (const record of records) peers.note(record, address(record), false)
  for (const record of records) assert.deepEqual(peers.at(record), address(record).slice(0, 28))
})

test('stores credentials of clients of Unix sockets and clears the previous address', () => {
  const peers = new Peers()
  peers.note(3, address(1), false)
  peers.note(3, address(2), true)
  const known = [...address(2).slice(0, UNIX_PEER_BYTES)]
  assert.deepEqual([...peers.at(3)], [...known, ...new Array(28 - UNIX_PEER_BYTES).fill(0)])
})

test('is zero where no address was stored', () => {
  assert.deepEqual(new Peers().at(70_000), new Uint8Array(28))
})
