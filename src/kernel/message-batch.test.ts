import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { descriptorNumbersOf } from '../../test/harness/proc.js'
import { closeAll, done, recvText, sendText, unixPair, waitReadable } from '../../test/support/sockets.js'
import type { Fd } from './calls.js'
import { F_GETFL, O_NONBLOCK } from './constants.js'
import { EAGAIN, EBADF, ECONNREFUSED, ETOOMANYREFS } from './errno.js'
import { nativeFunction } from './ffi.js'
import { MessageBatch, NO_DESCRIPTOR } from './message-batch.js'
import { messageCalls } from './message-calls.js'

const messages = messageCalls()

function datagramPair(): readonly [Fd, Fd] {
  const pair = messages.socketPair('datagram')
  assert.ok(typeof pair !== 'number')
  return pair
}

/** Writes a text into message `i`. */
function write(batch: MessageBatch, i: number, text: string, fd: Fd = NO_DESCRIPTOR): void {
  const bytes = new TextEncoder().encode(text)
  batch.bytes.set(bytes, batch.offsetOf(i))
  batch.setSend(i, bytes.length, fd)
}

function read(batch: MessageBatch, i: number): string {
  const offset = batch.offsetOf(i)
  return new TextDecoder().decode(batch.bytes.subarray(offset, offset + batch.receivedBytes(i)))
}

test('passes 64 messages with one descriptor each by one call, in order', () => {
  const [near, far] = datagramPair()
  const outgoing = new MessageBatch(64, 40)
  const incoming = new MessageBatch(64, 64)
  const pipes = Array.from({ length: 64 }, () => unixPair())
  for (const [i, pipe] of pipes.entries()) write(outgoing, i, `message ${i}`, pipe.far)
  assert.equal(messages.send(near, outgoing, 64), 64)
  for (const { far: sent } of pipes) closeAll(sent)
  assert.equal(messages.receive(far, incoming), 64)
  for (const [i, pipe] of pipes.entries()) {
    assert.equal(read(incoming, i), `message ${i}`)
    assert.deepEqual([incoming.hasLostFd(i), incoming.wasTooLong(i)], [false, false])
    const received = incoming.receivedFd(i)
    sendText(pipe.near, `for ${i}`)
    assert.equal(recvText(received), `for ${i}`)
    closeAll(received, pipe.near)
  }
  closeAll(near, far)
})

test('received descriptors have FD_CLOEXEC', () => {
  const [near, far] = datagramPair()
  const batch = new MessageBatch(1, 8)
  write(batch, 0, 'x', near)
  messages.send(near, batch, 1)
  messages.receive(far, batch)
  const received = batch.receivedFd(0)
  for (const fd of [near, far, received]) {
    const F_GETFD = 1
    assert.equal(fcntl(fd, F_GETFD) & 1, 1, `descriptor ${fd}`)
    closeAll(fd)
  }
})

test('a message without a descriptor yields NO_DESCRIPTOR in a reused batch', () => {
  const [near, far] = datagramPair()
  const batch = new MessageBatch(2, 8)
  const incoming = new MessageBatch(2, 8)
  write(batch, 0, 'a', near)
  write(batch, 1, 'b', near)
  messages.send(near, batch, 2)
  messages.receive(far, incoming)
  closeAll(incoming.receivedFd(0), incoming.receivedFd(1))
  write(batch, 0, 'c')
  write(batch, 1, '')
  assert.equal(messages.send(near, batch, 2), 2)
  assert.equal(messages.receive(far, incoming), 2)
  assert.deepEqual([read(incoming, 0), read(incoming, 1)], ['c', ''])
  assert.deepEqual([incoming.receivedFd(0), incoming.receivedFd(1)], [NO_DESCRIPTOR, NO_DESCRIPTOR])
  assert.equal(incoming.hasLostFd(0), false)
  closeAll(near, far)
})

test('truncates and marks a message that is too long, and receives the next one intact', () => {
  const [near, far] = datagramPair()
  const outgoing = new MessageBatch(2, 100)
  const incoming = new MessageBatch(2, 10)
  write(outgoing, 0, '0123456789abcdef')
  write(outgoing, 1, '0123456789')
  messages.send(near, outgoing, 2)
  assert.equal(messages.receive(far, incoming), 2)
  assert.deepEqual([read(incoming, 0), incoming.wasTooLong(0)], ['0123456789', true])
  assert.deepEqual([read(incoming, 1), incoming.wasTooLong(1)], ['0123456789', false])
  closeAll(near, far)
})

test('keeps messages of two senders intact and in order per sender', () => {
  const [near, far] = datagramPair()
  const copy = done(fcntl(near, 1030)) // F_DUPFD_CLOEXEC
  const outgoing = new MessageBatch(3, 40)
  for (const [round, sender] of [near, copy, near, copy].entries()) {
    for (let i = 0; i < 3; i++) write(outgoing, i, `${sender}: ${round}.${i}`, sender)
    assert.equal(messages.send(sender, outgoing, 3), 3)
  }
  const incoming = new MessageBatch(64, 40)
  assert.equal(messages.receive(far, incoming), 12)
  const got = Array.from({ length: 12 }, (_, i) => read(incoming, i))
  assert.deepEqual(
    got.filter((text) => text.startsWith(`${copy}:`)),
    [1, 3].flatMap((round) => [0, 1, 2].map((i) => `${copy}: ${round}.${i}`)),
  )
  for (let i = 0; i < 12; i++) closeAll(incoming.receivedFd(i))
  closeAll(near, copy, far)
})

test('a full socket accepts a part of a batch, then -EAGAIN', () => {
  const [near, far] = datagramPair()
  const outgoing = new MessageBatch(64, 8)
  for (let i = 0; i < 64; i++) write(outgoing, i, `${i}`.padStart(8))
  let sent = 0
  let outcome = 64
  while (outcome === 64) {
    outcome = messages.send(near, outgoing, 64)
    sent += Math.max(0, outcome)
  }
  assert.equal(messages.send(near, outgoing, 64), -EAGAIN)
  const incoming = new MessageBatch(64, 8)
  let got = 0
  for (let count = 64; count > 0; ) {
    count = messages.receive(far, incoming)
    got += Math.max(0, count)
  }
  assert.equal(got, sent)
  assert.ok(messages.send(near, outgoing, 1) === 1, 'there is room again')
  closeAll(near, far)
})

test('returns failures as negated errno', () => {
  const [near, far] = datagramPair()
  const batch = new MessageBatch(1, 8)
  assert.equal(messages.receive(near, batch), -EAGAIN)
  write(batch, 0, 'x')
  closeAll(far)
  assert.equal(messages.send(near, batch, 1), -ECONNREFUSED)
  closeAll(near)
  assert.equal(messages.send(near, batch, 1), -EBADF)
  assert.equal(messages.setNonBlocking(near), -EBADF)
})

test('setNonBlocking applies to every copy of the descriptor', () => {
  const pair = messages.socketPair('stream')
  assert.ok(typeof pair !== 'number')
  assert.equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, 0)
  messages.setNonBlocking(pair[0])
  assert.equal(fcntl(pair[0], F_GETFL) & O_NONBLOCK, O_NONBLOCK)
  closeAll(...pair)
})

test('a stream pair is connected', () => {
  const pair = messages.socketPair('stream')
  assert.ok(typeof pair !== 'number')
  sendText(pair[0], 'hello')
  waitReadable(pair[1])
  assert.equal(recvText(pair[1]), 'hello')
  closeAll(...pair)
})

test('a batch can be reused any number of times without leaking descriptors', () => {
  const before = descriptorNumbersOf(process.pid).length
  const [near, far] = datagramPair()
  const outgoing = new MessageBatch(8, 16)
  const incoming = new MessageBatch(8, 16)
  const file = openSync('/dev/null', 'r')
  for (let round = 0; round < 200; round++) {
    for (let i = 0; i < 8; i++) write(outgoing, i, `${round}`, i % 2 === 0 ? file : NO_DESCRIPTOR)
    assert.equal(messages.send(near, outgoing, 8), 8)
    assert.equal(messages.receive(far, incoming), 8)
    for (let i = 0; i < 8; i++) {
      const fd = incoming.receivedFd(i)
      assert.equal(fd === NO_DESCRIPTOR, i % 2 === 1)
      if (fd === NO_DESCRIPTOR) continue
      assert.ok(fstatSync(fd).isCharacterDevice())
      closeSync(fd)
    }
  }
  closeSync(file)
  closeAll(near, far)
  assert.equal(descriptorNumbersOf(process.pid).length, before)
})

/**
 * Runs in a child process whose descriptor limit is the number of open descriptors: receives and reports the result.
 */
const RECEIVER = `
  import { MessageBatch } from '${new URL('./message-batch.js', import.meta.url)}'
  import { messageCalls } from '${new URL('./message-calls.js', import.meta.url)}'
  import { openSync } from 'node:fs'
  const messages = messageCalls(), outgoing = new MessageBatch(8, 8), incoming = new MessageBatch(8, 8)
  const [near, far] = messages.socketPair('datagram')
  for (let i = 0; i < 8; i++) outgoing.setSend(i, 8, near)
  messages.send(near, outgoing, 8)
  const spare = 3, taken = []
  try { for (;;) taken.push(openSync('/dev/null')) } catch (error) { if (error.code !== 'EMFILE') throw error }
  const { closeSync } = await import('node:fs')
  for (let i = 0; i < spare; i++) closeSync(taken.pop())
  const count = messages.receive(far, incoming)
  const got = Array.from({ length: count }, (_, i) => [incoming.receivedFd(i) >= 0, incoming.hasLostFd(i)])
  console.log(JSON.stringify(got))
`

test('a receiver at its descriptor limit gets the messages and detects lost descriptors', () => {
  const run = spawnSync('prlimit', ['--nofile=64', process.execPath, '--input-type=module', '-e', RECEIVER], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  const got: unknown = JSON.parse(run.stdout)
  assert.deepEqual(got, [...Array(3).fill([true, false]), ...Array(5).fill([false, true])])
})

/** Runs in an unprivileged child process: sends more descriptors than it may have open. */
const SENDER = `
  import { MessageBatch } from '${new URL('./message-batch.js', import.meta.url)}'
  import { messageCalls } from '${new URL('./message-calls.js', import.meta.url)}'
  const messages = messageCalls(), outgoing = new MessageBatch(64, 8), incoming = new MessageBatch(64, 8)
  const [near, far] = messages.socketPair('datagram')
  if (process.getuid() === 0) { process.setgroups([]); process.setgid(65534); process.setuid(65534) }
  for (let i = 0; i < 64; i++) outgoing.setSend(i, 8, near)
  const send = () => messages.send(near, outgoing, 64)
  const sent = [send(), send(), send()]
  console.log(JSON.stringify([...sent, messages.receive(far, incoming) > 0, send() > 0]))
`

test('a sender with too many descriptors in flight gets ETOOMANYREFS until the receiver has read them', () => {
  const run = spawnSync('prlimit', ['--nofile=64', process.execPath, '--input-type=module', '-e', SENDER], {
    encoding: 'utf8',
  })
  assert.equal(run.status, 0, run.stderr)
  assert.deepEqual(JSON.parse(run.stdout), [64, 1, -ETOOMANYREFS, true, true])
})

function fcntl(fd: Fd, command: number): number {
  return nativeFunction<(fd: Fd, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )(fd, command, 0)
}
