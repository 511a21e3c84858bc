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

/** Where accept(2) has left what there was before. */
function usedRegion(): Region {
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  region.bytes.fill(0xee)
  return region
}

test('who has connected to a Unix socket: this process, with its user and group', () => {
  const { far, near } = unixPair()
  const peer = usedRegion()
  assert.equal(peers.findCredentials(near, peer), 12)
  assert.equal(peer.bytes[0], AF_UNIX)
  assert.deepEqual(credentialsIn(peer.bytes), { user: process.geteuid?.(), group: process.getegid?.() })
  // What a session keeps of it is enough.
  const kept = Uint8Array.from({ length: 28 }, (_, i) => (i < UNIX_PEER_BYTES ? (peer.bytes[i] ?? 0) : 0))
  assert.deepEqual(credentialsIn(kept), credentialsIn(peer.bytes))
  closeAll(near, far)
})

test('the groups of who has connected', () => {
  const { far, near } = unixPair()
  const count = peers.findGroups(near)
  const groups = [...peers.groups.subarray(0, count)]
  // getgroups(2) may or may not have the first group among them (getgroups(2), POSIX).
  const own = new Set([...(process.getgroups?.() ?? []), process.getegid?.()])
  assert.deepEqual(new Set([...groups, process.getegid?.()]), own)
  closeAll(near, far)
})

test('where nothing is known, nothing is said', () => {
  const peer = usedRegion()
  assert.equal(peers.findCredentials(-1, peer), -EBADF)
  assert.equal(credentialsIn(peer.bytes), undefined)
  assert.equal(peers.findGroups(-1), -EBADF)
})

test('a client with an address is nobody that the system knows', () => {
  const region = heapRegion(SOCKADDR_BYTES_MAX)
  region.bytes.fill(1)
  region.bytes.set(encodeAddress({ family: 'ipv4', host: '10.0.0.1', port: 256 }))
  assert.equal(credentialsIn(region.bytes), undefined)
  const { far, near } = tcpPair()
  assert.ok(peers.findGroups(near) < 0, 'TCP knows no groups')
  closeAll(near, far)
})
