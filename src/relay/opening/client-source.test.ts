import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls } from '../../../test/support/sockets.js'
import type { SocketAddress } from '../../base/address.js'
import type { Calls } from '../../kernel/calls.js'
import * as c from '../../kernel/constants.js'
import { EAFNOSUPPORT, EPERM } from '../../kernel/errno.js'
import { decodeAddress, encodeAddress } from '../../kernel/sockaddr.js'
import { ClientSource } from './client-source.js'

/** Where a socket of `family` is bound to for that client, or why it is not. */
function boundFor(client: SocketAddress, family: number): SocketAddress | number {
  let bound: SocketAddress | undefined
  const watching: Calls = {
    ...calls,
    setOption: () => 0,
    bind(_fd, address, byteCount) {
      bound = decodeAddress(address.bytes.slice(0, byteCount), byteCount)
      return 0
    },
  }
  const source = new ClientSource()
  const peer = new Uint8Array(28)
  peer.set(encodeAddress(client))
  const outcome = source.bind(watching, 0, family, peer)
  source.close()
  return bound ?? outcome
}

const IPV4: SocketAddress = { family: 'ipv4', host: '192.0.2.7', port: 4_567 }
const MAPPED: SocketAddress = { family: 'ipv6', host: '::ffff:192.0.2.7', port: 4_567, scope: '' }
const IPV6: SocketAddress = { family: 'ipv6', host: '2001:db8::7', port: 4_567, scope: '' }
const LINK_LOCAL: SocketAddress = { family: 'ipv6', host: 'fe80::7', port: 4_567, scope: '3' }

test('binds to the host of the client with a port chosen by the kernel', () => {
  assert.deepEqual(boundFor(IPV4, c.AF_INET), { ...IPV4, port: 0 })
  assert.deepEqual(boundFor(IPV6, c.AF_INET6), { ...IPV6, port: 0 })
  assert.deepEqual(boundFor(LINK_LOCAL, c.AF_INET6), { ...LINK_LOCAL, port: 0 })
})

test('treats an IPv4-mapped client as IPv4', () => {
  assert.deepEqual(boundFor(MAPPED, c.AF_INET), { ...IPV4, port: 0 })
})

test('fails for a client without an address of the family', () => {
  assert.equal(boundFor(IPV4, c.AF_INET6), -EAFNOSUPPORT)
  assert.equal(boundFor(MAPPED, c.AF_INET6), -EAFNOSUPPORT)
  assert.equal(boundFor(IPV6, c.AF_INET), -EAFNOSUPPORT)
  assert.equal(boundFor({ family: 'unix', path: '' }, c.AF_INET), -EAFNOSUPPORT)
})

test('binds nothing without the privilege', () => {
  const source = new ClientSource()
  const refusing: Calls = { ...calls, setOption: () => -EPERM, bind: () => assert.fail('bound') }
  const peer = new Uint8Array(28)
  peer.set(encodeAddress(IPV4))
  assert.equal(source.bind(refusing, 0, c.AF_INET, peer), -EPERM)
  source.close()
})
