import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SocketAddress } from '../base/address.js'
import { AF_UNIX } from '../kernel/constants.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { describeClient, describePeer, hostOf } from './peer-name.js'

/** Room for struct sockaddr_in6, as a session keeps it. */
const KEPT_BYTES = 28

/** How a session sees the address: in a buffer of fixed length. */
function shown(address: SocketAddress, roomBytes = KEPT_BYTES): string {
  const kept = new Uint8Array(roomBytes)
  kept.set(encodeAddress(address).subarray(0, roomBytes))
  return describePeer(kept)
}

const ipv6 = (host: string, scope = ''): SocketAddress => ({ family: 'ipv6', host, port: 443, scope })

test('shows addresses in the usual notation', () => {
  assert.equal(shown({ family: 'ipv4', host: '10.1.2.3', port: 4567 }), '10.1.2.3:4567')
  assert.equal(shown(ipv6('2001:db8::1')), '[2001:db8::1]:443')
  assert.equal(shown(ipv6('fe80::1', '3')), '[fe80::1%3]:443')
})

test('shows an IPv4-mapped client as IPv4, and only such clients', () => {
  assert.equal(shown(ipv6('::ffff:10.1.2.3')), '10.1.2.3:443')
  assert.equal(shown(ipv6('::a01:203')), '[::a01:203]:443')
  assert.equal(shown(ipv6('::fffe:a01:203')), '[::fffe:a01:203]:443')
})

test('shows a client of a Unix socket without a path', () => {
  for (const room of [2, KEPT_BYTES, SOCKADDR_BYTES_MAX]) {
    assert.equal(shown({ family: 'unix', path: '' }, room), 'unix:', `${room} bytes`)
  }
})

test('shows uid and gid of a client of a Unix socket if they are known', () => {
  const known = new Uint8Array(KEPT_BYTES)
  const view = new DataView(known.buffer)
  known.set([AF_UNIX, 0, 1])
  view.setUint32(8, 1000, true)
  view.setUint32(12, 50, true)
  assert.equal(describeClient(known), 'unix: (uid 1000, gid 50)')
  assert.equal(describePeer(known), 'unix:')
  assert.equal(describeClient(Uint8Array.of(AF_UNIX, 0, 0, ...new Uint8Array(25))), 'unix:')
  assert.equal(
    describeClient(encodeAddress({ family: 'ipv4', host: '10.1.2.3', port: 4567 })),
    '10.1.2.3:4567',
  )
})

test('shows the host alone without brackets', () => {
  const host = (address: SocketAddress) => {
    const kept = new Uint8Array(KEPT_BYTES)
    kept.set(encodeAddress(address).subarray(0, KEPT_BYTES))
    return hostOf(kept)
  }
  assert.equal(host({ family: 'ipv4', host: '10.1.2.3', port: 4567 }), '10.1.2.3')
  assert.equal(host(ipv6('2001:db8::1')), '2001:db8::1')
  assert.equal(host(ipv6('fe80::1', '3')), 'fe80::1%3')
  assert.equal(host(ipv6('::ffff:10.1.2.3')), '10.1.2.3')
  assert.equal(host({ family: 'unix', path: '' }), 'unix:')
})
