import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { calls, closeAll, done, waitReadable } from '../../test/support/sockets.js'
import type { SocketAddress } from '../base/address.js'
import type { Calls } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { EACCES, EADDRINUSE, EMFILE, EPERM } from '../kernel/errno.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import { mapPrivate } from '../kernel/memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { openListener } from './bind.js'
import type { ListenerOptions } from './options.js'

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

const LOOPBACK: SocketAddress = { family: 'ipv4', host: '127.0.0.1', port: 0 }
const OPTIONS: ListenerOptions = {
  address: LOOPBACK,
  backlog: 10,
  keepAlive: { isOn: true, idleS: 77, intervalS: 7, count: 3 },
  dscp: 46,
  vrf: '',
}
const region = mapPrivate(SOCKADDR_BYTES_MAX)

test('accepted sockets inherit what the listener was given', () => {
  const listener = done(openListener(calls, OPTIONS))
  const byteLength = done(calls.localAddress(listener, region))
  const client = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  calls.connect(client, region, byteLength)
  waitReadable(listener)
  const accepted = done(calls.accept(listener, region))
  const options = [
    [c.IPPROTO_TCP, c.TCP_NODELAY],
    [c.SOL_SOCKET, c.SO_OOBINLINE],
    [c.SOL_SOCKET, c.SO_KEEPALIVE],
    [c.IPPROTO_TCP, c.TCP_KEEPIDLE],
    [c.IPPROTO_TCP, c.TCP_KEEPINTVL],
    [c.IPPROTO_TCP, c.TCP_KEEPCNT],
    [c.IPPROTO_IP, c.IP_TOS],
  ] as const
  assert.deepEqual(
    options.map(([level, name]) => calls.getOption(accepted, level, name)),
    [1, 1, 1, 77, 7, 3, 46 << 2],
  )
  closeAll(listener, client, accepted)
})

test('keepalive that is off, and timings of zero, stay with the kernel', () => {
  const isOn = done(
    openListener(calls, { ...OPTIONS, keepAlive: { isOn: true, idleS: 0, intervalS: 0, count: 0 } }),
  )
  const isOff = done(openListener(calls, { ...OPTIONS, keepAlive: { ...OPTIONS.keepAlive, isOn: false } }))
  const fresh = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  const idle = (fd: number) => calls.getOption(fd, c.IPPROTO_TCP, c.TCP_KEEPIDLE)
  const keepAlive = (fd: number) => calls.getOption(fd, c.SOL_SOCKET, c.SO_KEEPALIVE)
  assert.deepEqual([idle(isOn), keepAlive(isOn), keepAlive(isOff)], [idle(fresh), 1, 0])
  closeAll(isOn, isOff, fresh)
})

test('an address in use is refused, and one that has just been left is not', () => {
  const first = done(openListener(calls, OPTIONS))
  const byteLength = done(calls.localAddress(first, region))
  const address = decodeAddress(region.bytes, byteLength)
  assert.equal(openListener(calls, { ...OPTIONS, address }), -EADDRINUSE)
  const client = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  calls.connect(client, region, byteLength)
  waitReadable(first)
  const accepted = done(calls.accept(first, mapPrivate(SOCKADDR_BYTES_MAX)))
  closeAll(first, accepted, client) // the accepted side closed first: its address is in TIME_WAIT
  const second = done(openListener(calls, { ...OPTIONS, address }))
  calls.close(second)
})

test(':: takes IPv4 clients too', (t) => {
  const listener = openListener(calls, {
    ...OPTIONS,
    address: { family: 'ipv6', host: '::', port: 0, scope: '' },
  })
  if (listener < 0) return t.skip('the kernel has no IPv6')
  assert.equal(calls.getOption(listener, c.IPPROTO_IPV6, c.IPV6_V6ONLY), 0)
  assert.equal(calls.getOption(listener, c.IPPROTO_IPV6, c.IPV6_TCLASS), 46 << 2)
  calls.close(listener)
})

test('a Unix listener is given no TCP options', () => {
  const address: SocketAddress = { family: 'unix', path: `\0tcprelay-bind-${process.pid}` }
  const touched: number[] = []
  const watching: Calls = {
    ...calls,
    setOption(fd, level, name, value) {
      touched.push(name)
      return calls.setOption(fd, level, name, value)
    },
  }
  const listener = done(openListener(watching, { ...OPTIONS, address, vrf: 'lo' }))
  assert.deepEqual(touched, [])
  calls.close(listener)
})

test('whichever step fails, its errno is the answer and no descriptor is left', () => {
  const failing: Partial<Calls>[] = [
    { socket: () => -EMFILE },
    { setTextOption: () => -EPERM },
    { bind: () => -EACCES },
    { listen: () => -EADDRINUSE },
  ]
  const outcomes = failing.map((part) => openListener({ ...calls, ...part }, { ...OPTIONS, vrf: 'lo' }))
  assert.deepEqual(outcomes, [-EMFILE, -EPERM, -EACCES, -EADDRINUSE])
})

test('binding again and again, as a retry does, costs no memory', () => {
  const addresses: bigint[] = []
  const failing: Calls = {
    ...calls,
    bind(_fd, address) {
      addresses.push(address.pointer)
      return -EACCES
    },
  }
  for (let i = 0; i < 50; i++) openListener(failing, OPTIONS)
  // Memory that was given back is what the system hands out next.
  assert.ok(new Set(addresses).size < 10, `${new Set(addresses).size} places for 50 addresses`)
})
