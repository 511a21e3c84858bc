import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NONE } from '../balance/policy.js'
import { type SocketAddress, withPort } from '../base/address.js'
import { localCells } from '../cells/cells.js'
import { decodeAddress } from '../kernel/sockaddr.js'
import { Remote, Remotes } from './remotes.js'

const at = (host: string): SocketAddress => withPort({ family: 'ipv4', host }, 80)
const [A, B, C] = [at('10.0.0.1'), at('10.0.0.2'), at('10.0.0.3')]

const order = (remote: Remote) =>
  remote.order.map((index) => decodeAddress(remote.addressAt(index).region.bytes))

test('the address that last answered is tried first, also after addresses change', () => {
  const remote = new Remote({ name: 'remote', addresses: [A, B] })
  assert.deepEqual(order(remote), [A, B])
  remote.prefer(1)
  assert.deepEqual(order(remote), [B, A])
  remote.replaceAddresses([A, C, B])
  assert.deepEqual(order(remote), [B, A, C])
  remote.replaceAddresses([C, A])
  assert.deepEqual(order(remote), [C, A], 'it is gone')
  const next = new Remote({ name: 'remote', addresses: [A, C] })
  next.learnFrom(remote)
  assert.deepEqual(order(next), [C, A])
  remote.close()
  next.close()
})

test('finds a remote of another configuration by its name', () => {
  const shape = { children: 1, remotes: 4, listeners: 0, pools: 1, ringBytes: 64 }
  const cells = localCells(shape)
  const remotes = (...names: string[]) =>
    new Remotes(
      names.map((name) => ({ name, addresses: [] })),
      cells,
      cells.child(0),
    )
  const slots = remotes('a', 'c', '', 'b').slotsIn(remotes('a', 'b', '', 'c'))
  assert.deepEqual(slots, [0, 3, NONE, 1])
  assert.deepEqual(remotes('x').slotsIn(remotes('a')), [NONE])
})
