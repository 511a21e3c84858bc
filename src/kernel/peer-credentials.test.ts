import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { closeAll, tcpPair, unixPair } from '../../test/support/sockets.js'
import { AF_UNIX } from './constants.js'
import { EBADF } from './errno.js'
import { countOpenDescriptors } from './limits.js'
import { mapPrivate } from './memory.js'
import { credentialsIn, peerCalls, UNIX_PEER_BYTES } from './peer-credentials.js'
import { heapRegion, type Region } from './region.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from './sockaddr.js'

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

const peers = peerCalls()

/** A region with stale content, as accept(2) leaves it. */
function usedRegion(): Region {
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  region.bytes.fill(0xee)
  return region
}

test('finds user and group of the process that connected to a Unix socket', () => {
  const { far, near } = unixPair()
  const peer = usedRegion()
  assert.equal(peers.findCredentials(near, peer), 12)
  assert.equal(peer.bytes[0], AF_UNIX)
  assert.deepEqual(credentialsIn(peer.bytes), { user: process.geteuid?.(), group: process.getegid?.() })
  // The bytes that a session keeps suffice.
  const kept = Uint8Array.from({ length: 28 }, (_, i) => (i < UNIX_PEER_BYTES ? (peer.bytes[i] ?? 0) : 0))
  assert.deepEqual(credentialsIn(kept), credentialsIn(peer.bytes))
  closeAll(near, far)
})

test('finds the supplementary groups of the process that connected', () => {
  const { far, near } = unixPair()
  const count = peers.findGroups(near)
  const groups = [...peers.groups.subarray(0, count)]
  // POSIX leaves open whether getgroups(2) includes the effective group.
  const own = new Set([...(process.getgroups?.() ?? []), process.getegid?.()])
  assert.deepEqual(new Set([...groups, process.getegid?.()]), own)
  closeAll(near, far)
})

test('a failed lookup yields no credentials', () => {
  const peer = usedRegion()
  assert.equal(peers.findCredentials(-1, peer), -EBADF)
  assert.equal(credentialsIn(peer.bytes), undefined)
  assert.equal(peers.findGroups(-1), -EBADF)
})

test('an IP client has no credentials', () => {
  const region = heapRegion(SOCKADDR_BYTES_MAX)
  region.bytes.fill(1)
  region.bytes.set(encodeAddress({ family: 'ipv4', host: '10.0.0.1', port: 256 }))
  assert.equal(credentialsIn(region.bytes), undefined)
  const { far, near } = tcpPair()
  assert.ok(peers.findGroups(near) < 0, 'TCP has no groups')
  closeAll(near, far)
})
