import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import {
  calls,
  closeAll,
  done,
  drainDry,
  fillUp,
  listenOnLoopback,
  pollFor,
  recvText,
  sendText,
  tcpPair,
  unixPair,
  waitReadable,
  waitWritable,
} from '../../test/support/sockets.js'
import type { Fd } from './calls.js'
import * as c from './constants.js'
import * as e from './errno.js'
import { nativeFunction } from './ffi.js'
import { countOpenDescriptors } from './limits.js'
import { mapPrivate } from './memory.js'
import { decodeAddress, encodeAddress, SOCKADDR_BYTES_MAX } from './sockaddr.js'

const region = mapPrivate(4096)
const address = mapPrivate(SOCKADDR_BYTES_MAX)

const FD_CLOEXEC = 1
const F_GETFD = 1
const POLL_HUNG_UP = 0x10
const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

function flagsOf(fd: Fd): { isNonBlocking: boolean; isClosedOnExec: boolean } {
  const fcntl = nativeFunction<(fd: Fd, command: number, value: number) => number>(
    'int fcntl(int fd, int command, int value)',
  )
  return {
    isNonBlocking: (fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK) !== 0,
    isClosedOnExec: (fcntl(fd, F_GETFD, 0) & FD_CLOEXEC) !== 0,
  }
}

/** An unconnected socket. */
function unconnected(): Fd {
  return done(calls.socket(c.AF_INET, c.SOCK_STREAM, 0))
}

test('send and recv transfer bytes at the given offsets', () => {
  const { near, far } = tcpPair()
  region.bytes.set(new TextEncoder().encode('..hello'))
  assert.equal(calls.send(near, region, 2, 5), 5)
  waitReadable(far)
  region.bytes.fill(0)
  assert.equal(calls.recv(far, region, 100, 4096 - 100), 5)
  assert.equal(new TextDecoder().decode(region.bytes.subarray(99, 106)), '\0hello\0')
  closeAll(near, far)
})

test('recv returns at most the requested number of bytes', () => {
  const { near, far } = tcpPair()
  sendText(near, 'abcdef')
  waitReadable(far)
  assert.equal(calls.recv(far, region, 0, 4), 4)
  assert.equal(calls.recv(far, region, 0, 4), 2)
  closeAll(near, far)
})

test('recv and send return -EAGAIN instead of blocking, also on a blocking socket', () => {
  const { near, far } = tcpPair()
  assert.equal(calls.recv(near, region, 0, 1), -e.EAGAIN)
  assert.ok(fillUp(near) > 0)
  assert.equal(calls.send(near, region, 0, 4096), -e.EAGAIN)
  const fcntl = nativeFunction<(fd: Fd, command: number, value: number) => number>(
    'int fcntl(int fd, int command, int value)',
  )
  fcntl(far, c.F_SETFL, 0)
  drainDry(far)
  assert.equal(flagsOf(far).isNonBlocking, false)
  closeAll(near, far)
})

test('sockets are non-blocking and have FD_CLOEXEC', () => {
  const { near, far } = tcpPair()
  for (const fd of [near, far]) assert.deepEqual(flagsOf(fd), { isNonBlocking: true, isClosedOnExec: true })
  closeAll(near, far)
})

test('recv returns 0 at the end of a stream, and the other direction remains open', () => {
  const { near, far } = tcpPair()
  assert.equal(calls.shutdownWrite(near), 0)
  assert.equal(recvText(far), '')
  sendText(far, 'still here')
  assert.equal(recvText(near), 'still here')
  assert.equal(calls.send(near, region, 0, 1), -e.EPIPE)
  closeAll(near, far)
})

test('bytes that wait for more leave with the end', () => {
  const { near, far } = tcpPair()
  region.bytes.set(Buffer.from('abc'))
  assert.equal(calls.sendMore(near, region, 0, 3), 3)
  assert.equal(calls.shutdownWrite(near), 0)
  // Over loopback they have arrived when shutdown(2) returns, while a timer would take 200 ms.
  assert.equal(calls.recv(far, region, 0, 10), 3)
  assert.equal(calls.recv(far, region, 0, 10), 0)
  closeAll(near, far)
})

test('send to a closed peer returns an errno without SIGPIPE', async () => {
  let signals = 0
  const onSignal = () => signals++
  process.on('SIGPIPE', onSignal)
  const { near, far } = tcpPair()
  calls.shutdownWrite(near)
  assert.equal(calls.send(near, region, 0, 1), -e.EPIPE)
  // Signals are delivered in the order in which they were raised.
  const told = once(process, 'SIGUSR2')
  const stayAlive = setInterval(() => {}, 1_000)
  process.kill(process.pid, 'SIGUSR2')
  await told
  clearInterval(stayAlive)
  process.off('SIGPIPE', onSignal)
  assert.equal(signals, 0)
  closeAll(near, far)
})

test('resetOnClose gives the peer ECONNRESET once, then the end of the stream', () => {
  const { near, far } = tcpPair()
  assert.equal(calls.resetOnClose(near), 0)
  assert.equal(calls.close(near), 0)
  pollFor(far, POLL_HUNG_UP)
  assert.equal(calls.recv(far, region, 0, 1), -e.ECONNRESET)
  assert.equal(calls.recv(far, region, 0, 1), 0, 'the error is returned once')
  calls.close(far)
})

test('close without resetOnClose ends the stream cleanly', () => {
  const { near, far } = tcpPair()
  calls.close(near)
  assert.equal(recvText(far), '')
  calls.close(far)
})

test('accept stores the address of the peer', () => {
  const listener = listenOnLoopback(address)
  const near = unconnected()
  calls.connect(near, address, 16)
  waitReadable(listener)
  const peer = mapPrivate(SOCKADDR_BYTES_MAX)
  const far = done(calls.accept(listener, peer))
  const byteLength = done(calls.localAddress(near, address))
  assert.deepEqual(decodeAddress(peer.bytes), decodeAddress(address.bytes, byteLength))
  assert.equal(calls.accept(listener, peer), -e.EAGAIN)
  closeAll(listener, near, far)
})

test('connect returns -EINPROGRESS, or an errno', () => {
  const listener = listenOnLoopback(address)
  const near = unconnected()
  assert.equal(calls.connect(near, address, 16), -e.EINPROGRESS)
  waitWritable(near)
  assert.equal(calls.getOption(near, c.SOL_SOCKET, c.SO_ERROR), 0)
  calls.close(listener)
  const refused = unconnected()
  calls.connect(refused, address, 16)
  waitWritable(refused)
  assert.equal(calls.getOption(refused, c.SOL_SOCKET, c.SO_ERROR), e.ECONNREFUSED)
  assert.equal(calls.getOption(refused, c.SOL_SOCKET, c.SO_ERROR), 0, 'the error is returned once')
  closeAll(near, refused)
})

test('a Unix socket connects at once', () => {
  const bytes = encodeAddress({ family: 'unix', path: `\0tcprelay-connect-${process.pid}` })
  address.bytes.set(bytes)
  const listener = done(calls.socket(c.AF_UNIX, c.SOCK_STREAM, 0))
  const near = done(calls.socket(c.AF_UNIX, c.SOCK_STREAM, 0))
  assert.equal(calls.connect(near, address, bytes.length), -e.ECONNREFUSED)
  done(calls.bind(listener, address, bytes.length))
  done(calls.listen(listener, 1))
  assert.equal(calls.connect(near, address, bytes.length), 0)
  closeAll(listener, near)
})

test('getOption returns the value that setOption set', () => {
  const fd = unconnected()
  for (const [level, name, value] of [
    [c.IPPROTO_TCP, c.TCP_NODELAY, 1],
    [c.SOL_SOCKET, c.SO_KEEPALIVE, 1],
    [c.IPPROTO_TCP, c.TCP_KEEPIDLE, 77],
    [c.IPPROTO_TCP, c.TCP_KEEPINTVL, 7],
    [c.IPPROTO_TCP, c.TCP_KEEPCNT, 3],
    [c.IPPROTO_IP, c.IP_TOS, 46 << 2],
    [c.SOL_SOCKET, c.SO_OOBINLINE, 1],
    [c.SOL_SOCKET, c.SO_REUSEADDR, 1],
    [c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1],
  ] as const) {
    assert.equal(calls.setOption(fd, level, name, value), 0)
    assert.equal(calls.getOption(fd, level, name), value, `level ${level}, option ${name}`)
  }
  assert.equal(calls.getOption(fd, c.SOL_SOCKET, c.SO_TYPE), c.SOCK_STREAM)
  calls.close(fd)
})

test('setTextOption sets a text value', () => {
  const fd = unconnected()
  const getsockopt = nativeFunction<
    (fd: Fd, level: number, name: number, value: bigint, length: bigint) => number
  >('int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)')
  const outcome = calls.setTextOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, 'lo')
  if (outcome !== -e.EPERM) {
    assert.equal(outcome, 0)
    new Int32Array(region.bytes.buffer)[0] = 16
    done(getsockopt(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, region.pointer + 16n, region.pointer))
    assert.equal(new TextDecoder().decode(region.bytes.subarray(16, 19)), 'lo\0')
  }
  assert.ok(calls.setTextOption(fd, c.SOL_SOCKET, c.SO_BINDTODEVICE, 'nosuchif0') < 0)
  calls.close(fd)
})

test('unsentBytes counts unacknowledged bytes', () => {
  const { near, far } = tcpPair()
  assert.equal(calls.unsentBytes(near), 0)
  const taken = fillUp(near)
  const unsent = calls.unsentBytes(near)
  assert.ok(unsent > 0 && unsent <= taken, `${unsent} of ${taken}`)
  while (calls.unsentBytes(near) > 0) {
    waitReadable(far)
    drainDry(far)
  }
  closeAll(near, far)
})

test('every call returns a failure as negated errno', () => {
  const dead = 1_000_000 // beyond the descriptor limit: never open
  assert.deepEqual(
    [
      calls.recv(dead, region, 0, 1),
      calls.send(dead, region, 0, 1),
      calls.accept(dead, address),
      calls.bind(dead, address, 16),
      calls.listen(dead, 1),
      calls.connect(dead, address, 16),
      calls.localAddress(dead, address),
      calls.setOption(dead, c.SOL_SOCKET, c.SO_KEEPALIVE, 1),
      calls.setTextOption(dead, c.SOL_SOCKET, c.SO_BINDTODEVICE, 'lo'),
      calls.getOption(dead, c.SOL_SOCKET, c.SO_ERROR),
      calls.resetOnClose(dead),
      calls.unsentBytes(dead),
      calls.shutdownWrite(dead),
      calls.close(dead),
    ],
    new Array(14).fill(-e.EBADF),
  )
  const fd = unconnected()
  assert.equal(calls.recv(fd, region, 0, 1), -e.ENOTCONN)
  assert.equal(calls.send(fd, region, 0, 1), -e.EPIPE)
  assert.equal(calls.accept(fd, address), -e.EINVAL)
  assert.equal(calls.setOption(fd, c.IPPROTO_TCP, 999, 1), -e.ENOPROTOOPT)
  assert.ok(calls.socket(999, c.SOCK_STREAM, 0) < 0)
  calls.close(fd)
})

test('bind rejects an address in use', () => {
  const listener = listenOnLoopback(address)
  const second = unconnected()
  assert.equal(calls.bind(second, address, 16), -e.EADDRINUSE)
  closeAll(listener, second)
})

test('a Unix socket pair behaves like a connection, without resets', () => {
  const { near, far } = unixPair()
  sendText(near, 'x')
  assert.equal(recvText(far), 'x')
  calls.resetOnClose(near)
  calls.close(near)
  assert.equal(recvText(far), '')
  calls.close(far)
})
