import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import {
  calls,
  closeAll,
  done,
  drainDry,
  fillUp,
  pollFor,
  recvText,
  sendText,
  tcpPair,
  unixPair,
  waitReadable,
} from '../../test/support/sockets.js'
import type { Fd } from './calls.js'
import * as c from './constants.js'
import * as e from './errno.js'
import { nativeFunction } from './ffi.js'
import { countOpenDescriptors } from './limits.js'

const MANY = 1 << 20
const POLL_HUNG_UP = 0x10
const F_GETFD = 1

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

/**
 * Two connections with a pipe between them: bytes of `from` can be spliced from `source` to `sink`, which sends to
 * `to`.
 */
function stage() {
  const { near: from, far: source } = tcpPair()
  const { near: sink, far: to } = tcpPair()
  const ends = new Int32Array(2)
  done(calls.openPipe(ends))
  const [readEnd = -1, writeEnd = -1] = ends
  return { from, source, sink, to, readEnd, writeEnd, all: [from, source, sink, to, readEnd, writeEnd] }
}

test('splices bytes from socket to pipe to socket', () => {
  const { from, source, sink, to, readEnd, writeEnd, all } = stage()
  sendText(from, 'hello')
  waitReadable(source)
  assert.equal(calls.splice(source, writeEnd, MANY), 5)
  assert.equal(calls.splice(readEnd, sink, 2), 2)
  assert.equal(calls.splice(readEnd, sink, 3), 3)
  assert.equal(recvText(to), 'hello')
  closeAll(...all)
})

test('an empty source, a full pipe, an empty pipe and a full sink are all -EAGAIN', () => {
  const { from, source, sink, to, readEnd, writeEnd, all } = stage()
  assert.equal(calls.splice(source, writeEnd, MANY), -e.EAGAIN)
  assert.equal(calls.splice(readEnd, sink, MANY), -e.EAGAIN)
  fillUp(from)
  fillUp(sink)
  waitReadable(source)
  const got = done(calls.splice(source, writeEnd, MANY))
  for (let more = got; more > 0; ) more = calls.splice(source, writeEnd, MANY)
  assert.equal(calls.splice(source, writeEnd, MANY), -e.EAGAIN)
  assert.equal(calls.splice(readEnd, sink, got), -e.EAGAIN)
  drainDry(to)
  closeAll(...all)
})

test('resizePipe sets the capacity', () => {
  const { from, source, readEnd, writeEnd, all } = stage()
  assert.equal(calls.resizePipe(writeEnd, 256 * 1024), 256 * 1024)
  const fcntl = nativeFunction<(fd: Fd, command: number, value: number) => number>(
    'int fcntl(int fd, int command, int value)',
  )
  assert.equal(fcntl(readEnd, c.F_GETPIPE_SZ, 0), 256 * 1024)
  assert.equal(calls.resizePipe(source, 65_536), -e.EBADF)
  sendText(from, 'x')
  waitReadable(source)
  assert.equal(calls.splice(source, writeEnd, 1), 1)
  closeAll(...all)
})

test('pipes are non-blocking and have FD_CLOEXEC', () => {
  const { readEnd, writeEnd, all } = stage()
  const fcntl = nativeFunction<(fd: Fd, command: number, value: number) => number>(
    'int fcntl(int fd, int command, int value)',
  )
  for (const fd of [readEnd, writeEnd]) {
    assert.notEqual(fcntl(fd, c.F_GETFL, 0) & c.O_NONBLOCK, 0)
    assert.equal(fcntl(fd, F_GETFD, 0), 1)
  }
  closeAll(...all)
})

test('splice returns 0 at the end of the source, after its last bytes', () => {
  const { from, source, writeEnd, all } = stage()
  sendText(from, 'last')
  calls.shutdownWrite(from)
  waitReadable(source)
  assert.equal(calls.splice(source, writeEnd, MANY), 4)
  waitReadable(source)
  assert.equal(calls.splice(source, writeEnd, MANY), 0)
  closeAll(...all)
})

test('bytes before a reset can be spliced; the reset is returned once, then 0', () => {
  const { from, source, writeEnd, sink, to, readEnd } = stage()
  sendText(from, 'last')
  waitReadable(source)
  calls.resetOnClose(from)
  calls.close(from)
  pollFor(source, POLL_HUNG_UP)
  assert.equal(calls.splice(source, writeEnd, MANY), 4)
  assert.equal(calls.splice(source, writeEnd, MANY), -e.ECONNRESET)
  assert.equal(calls.splice(source, writeEnd, MANY), 0)
  closeAll(source, sink, to, readEnd, writeEnd)
})

test('splice to a sink that was shut down returns an errno and keeps the bytes in the pipe', () => {
  const { from, source, sink, readEnd, writeEnd, all } = stage()
  sendText(from, 'nobody')
  waitReadable(source)
  assert.equal(calls.splice(source, writeEnd, MANY), 6)
  calls.shutdownWrite(sink)
  assert.equal(calls.splice(readEnd, sink, 6), -e.EPIPE)
  const other = tcpPair()
  assert.equal(calls.splice(readEnd, other.near, 6), 6, 'the next user of the pipe gets them')
  assert.equal(recvText(other.far), 'nobody')
  closeAll(...all, other.near, other.far)
})

test('a few small messages of a Unix socket fill a pipe', () => {
  const { near, far } = unixPair()
  const { readEnd, writeEnd, all } = stage()
  for (let i = 0; i < 20; i++) sendText(near, '0123456789')
  const moved = [calls.splice(far, writeEnd, MANY), calls.splice(far, writeEnd, MANY)]
  assert.equal(moved.at(-1), -e.EAGAIN, `${moved}`)
  assert.ok(readEnd > 0)
  closeAll(...all, near, far)
})
