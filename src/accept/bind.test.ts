import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  calls,
  closeAll,
  done,
  recvText,
  sendText,
  waitReadable,
  waitWritable,
} from '../../test/support/sockets.js'
import { textOption } from '../../test/support/text-option.js'
import type { SocketAddress } from '../base/address.js'
import type { Calls } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import {
  EACCES,
  EADDRINUSE,
  EAGAIN,
  EINVAL,
  EMFILE,
  ENOPROTOOPT,
  EPERM,
  EPROTONOSUPPORT,
} from '../kernel/errno.js'
import { countOpenDescriptors } from '../kernel/limits.js'
import { mapPrivate } from '../kernel/memory.js'
import { speaksMptcp } from '../kernel/mptcp.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { NO_OPTIONS } from '../kernel/socket-options.js'
import { openListener } from './bind.js'
import { type ListenerOptions, PLAIN_LISTENER } from './options.js'

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

const LOOPBACK: SocketAddress = { family: 'ipv4', host: '127.0.0.1', port: 0 }
const OPTIONS: ListenerOptions = {
  address: LOOPBACK,
  backlog: 10,
  keepAlive: { isOn: true, idleS: 77, intervalS: 7, count: 3 },
  ...PLAIN_LISTENER,
  socket: { ...NO_OPTIONS, dscp: 46 },
}
const region = mapPrivate(SOCKADDR_BYTES_MAX)

test('accepted sockets inherit the options of the listener', () => {
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

test('a UDP listener binds beside sockets of children, and no other program can bind its port', () => {
  const options = { ...OPTIONS, isUdp: true }
  const first = done(openListener(calls, options))
  assert.deepEqual(
    [
      calls.getOption(first, c.SOL_SOCKET, c.SO_TYPE),
      calls.getOption(first, c.SOL_SOCKET, c.SO_REUSEADDR),
      calls.getOption(first, c.IPPROTO_IP, c.IP_PKTINFO),
      calls.getOption(first, c.IPPROTO_IP, c.IP_TOS),
    ],
    [c.SOCK_DGRAM, 0, 1, 46 << 2],
  )
  const byteLength = done(calls.localAddress(first, region))
  const address = decodeAddress(region.bytes, byteLength)
  assert.equal(openListener(calls, { ...options, address }), -EADDRINUSE)
  calls.close(first)
  const ofClient = done(calls.socket(c.AF_INET, c.SOCK_DGRAM, 0))
  done(calls.setOption(ofClient, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
  done(calls.bind(ofClient, region, byteLength))
  const next = done(openListener(calls, { ...options, address }))
  const thief = done(calls.socket(c.AF_INET, c.SOCK_DGRAM, 0))
  done(calls.setOption(thief, c.SOL_SOCKET, c.SO_REUSEADDR, 1))
  assert.equal(calls.bind(thief, region, byteLength), -EADDRINUSE)
  closeAll(ofClient, next, thief)
})

test('leaves keepalive to the kernel when it is off or its times are zero', () => {
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

test('reports an address in use, and reuses one in TIME-WAIT', () => {
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

test(':: accepts IPv4 clients too', (t) => {
  const listener = openListener(calls, {
    ...OPTIONS,
    address: { family: 'ipv6', host: '::', port: 0, scope: '' },
  })
  if (listener < 0) return t.skip('the kernel has no IPv6')
  assert.equal(calls.getOption(listener, c.IPPROTO_IPV6, c.IPV6_V6ONLY), 0)
  assert.equal(calls.getOption(listener, c.IPPROTO_IPV6, c.IPV6_TCLASS), 46 << 2)
  calls.close(listener)
})

test('sets no TCP options on a Unix listener', () => {
  const address: SocketAddress = { family: 'unix', path: `\0tcprelay-bind-${process.pid}` }
  const touched: number[] = []
  const watching: Calls = {
    ...calls,
    setOption(fd, level, name, value) {
      touched.push(name)
      return calls.setOption(fd, level, name, value)
    },
  }
  const listener = done(
    openListener(watching, {
      ...OPTIONS,
      address,
      socket: { ...NO_OPTIONS, device: 'lo', congestion: 'reno' },
    }),
  )
  assert.deepEqual(touched, [])
  calls.close(listener)
})

test('returns the errno of the failed step and leaks no descriptor', () => {
  const failing: Partial<Calls>[] = [
    { socket: () => -EMFILE },
    { setTextOption: () => -EPERM },
    { bind: () => -EACCES },
    { listen: () => -EADDRINUSE },
  ]
  const outcomes = failing.map((part) =>
    openListener({ ...calls, ...part }, { ...OPTIONS, socket: { ...NO_OPTIONS, device: 'lo' } }),
  )
  assert.deepEqual(outcomes, [-EMFILE, -EPERM, -EACCES, -EADDRINUSE])
})

test('repeated binding leaks no memory', () => {
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

/** The first client that a listener accepts. */
function acceptedBy(listener: number): { readonly client: number; readonly accepted: number } {
  const byteLength = done(calls.localAddress(listener, region))
  const client = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  calls.connect(client, region, byteLength)
  waitReadable(listener)
  return { client, accepted: done(calls.accept(listener, region)) }
}

test('accepted sockets inherit the configured options', (t) => {
  const mark = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  const mayMark = calls.setOption(mark, c.SOL_SOCKET, c.SO_MARK, 7) === 0
  calls.close(mark)
  if (!mayMark) t.diagnostic('without CAP_NET_ADMIN no mark is set')
  const socket = {
    dscp: 10,
    fwmark: mayMark ? 0x8000_0001 : 0,
    device: 'lo',
    congestion: 'reno',
    userTimeoutMs: 4_321,
  }
  const listener = done(openListener(calls, { ...OPTIONS, socket, deferAcceptS: 0, fastOpenQueue: 5 }))
  const { accepted, client } = acceptedBy(listener)
  const options = [
    [c.IPPROTO_TCP, c.TCP_USER_TIMEOUT],
    [c.IPPROTO_IP, c.IP_TOS],
    [c.SOL_SOCKET, c.SO_MARK],
    [c.SOL_SOCKET, c.SO_PROTOCOL],
  ] as const
  assert.deepEqual(
    options.map(([level, name]) => calls.getOption(accepted, level, name)),
    [4_321, 10 << 2, socket.fwmark | 0, c.IPPROTO_TCP],
  )
  assert.equal(textOption(accepted, c.IPPROTO_TCP, c.TCP_CONGESTION), 'reno')
  assert.equal(textOption(accepted, c.SOL_SOCKET, c.SO_BINDTODEVICE), 'lo')
  assert.equal(calls.getOption(listener, c.IPPROTO_TCP, c.TCP_FASTOPEN), 5)
  closeAll(listener, client, accepted)
})

test('with deferred accept a client is readable when it is accepted', () => {
  const listener = done(openListener(calls, { ...OPTIONS, deferAcceptS: 30 }))
  assert.ok(done(calls.getOption(listener, c.IPPROTO_TCP, c.TCP_DEFER_ACCEPT)) >= 30)
  const byteLength = done(calls.localAddress(listener, region))
  const client = done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
  calls.connect(client, region, byteLength)
  waitWritable(client)
  assert.equal(calls.accept(listener, region), -EAGAIN, 'it has said nothing yet')
  sendText(client, 'hello')
  waitReadable(listener)
  const accepted = done(calls.accept(listener, region))
  assert.equal(recvText(accepted), 'hello')
  closeAll(listener, client, accepted)
})

test('an MPTCP listener accepts plain TCP clients as plain TCP sockets', (t) => {
  const listener = done(openListener(calls, { ...OPTIONS, isMptcp: true }))
  if (calls.getOption(listener, c.SOL_SOCKET, c.SO_PROTOCOL) !== c.IPPROTO_MPTCP) {
    calls.close(listener)
    return t.skip('this kernel has no MPTCP, or net.mptcp.enabled is 0')
  }
  const { accepted, client } = acceptedBy(listener)
  assert.equal(calls.getOption(accepted, c.SOL_SOCKET, c.SO_PROTOCOL), c.IPPROTO_TCP)
  assert.equal(speaksMptcp(calls, accepted), false)
  closeAll(listener, client, accepted)
})

for (const errno of [EPROTONOSUPPORT, ENOPROTOOPT, EINVAL]) {
  test(`falls back to a TCP listener when the kernel answers ${errno} to MPTCP`, () => {
    const old: Calls = {
      ...calls,
      socket: (family, type, protocol) =>
        protocol === c.IPPROTO_MPTCP ? -errno : calls.socket(family, type, protocol),
    }
    const listener = done(openListener(old, { ...OPTIONS, isMptcp: true }))
    assert.equal(calls.getOption(listener, c.SOL_SOCKET, c.SO_PROTOCOL), c.IPPROTO_TCP)
    calls.close(listener)
  })
}
