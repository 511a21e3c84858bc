/**
 * Real sockets on the loopback, for tests of the layers that call the kernel. This folder has the fixtures of unit
 * tests; those of integration tests are in test/harness/.
 */
import assert from 'node:assert/strict'
import type { Fd, Outcome } from '../../src/kernel/calls.js'
import { AF_INET, AF_UNIX, SOCK_STREAM } from '../../src/kernel/constants.js'
import { nativeFunction } from '../../src/kernel/ffi.js'
import { linuxCalls } from '../../src/kernel/linux-calls.js'
import { mapPrivate, type Region } from '../../src/kernel/memory.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'

export const calls = linuxCalls()

const POLL_IN = 0x1
const POLL_OUT = 0x4

/** Far longer than the loopback needs: reaching it is a failure. */
const WAIT_MAX_MS = 10_000

const scratch = mapPrivate(1 << 20)
const addressRegion = mapPrivate(SOCKADDR_BYTES_MAX)

export interface Pair {
  readonly near: Fd
  readonly far: Fd
}

/** Returns the outcome of a call that must succeed. */
export function done(outcome: Outcome): number {
  assert.ok(outcome >= 0, `a system call failed with errno ${-outcome}`)
  return outcome
}

/** Blocks in poll(2) until one of `events` is reported; returns the reported events. */
export function pollFor(fd: Fd, events: number): number {
  const poll = nativeFunction<(fds: bigint, count: number, timeoutMs: number) => number>(
    'int poll(uintptr_t fds, uint64_t count, int timeout)',
  )
  const region = mapPrivate(8)
  const entry = new DataView(region.bytes.buffer, 0, 8)
  for (let count = -1; count < 0; ) {
    entry.setInt32(0, fd, true)
    entry.setInt16(4, events, true)
    count = poll(region.pointer, 1, WAIT_MAX_MS)
    assert.notEqual(count, 0, `descriptor ${fd} had none of the events ${events} in ${WAIT_MAX_MS} ms`)
  }
  return entry.getInt16(6, true)
}

export const waitReadable = (fd: Fd): number => pollFor(fd, POLL_IN)
export const waitWritable = (fd: Fd): number => pollFor(fd, POLL_OUT)

/** A listening socket on 127.0.0.1, whose address is stored in the given region. */
export function listenOnLoopback(into: Region, backlog = 16): Fd {
  const fd = done(calls.socket(AF_INET, SOCK_STREAM, 0))
  const bytes = encodeAddress({ family: 'ipv4', host: '127.0.0.1', port: 0 })
  into.bytes.set(bytes)
  done(calls.bind(fd, into, bytes.length))
  done(calls.listen(fd, backlog))
  done(calls.localAddress(fd, into))
  return fd
}

/** The two ends of a TCP connection: `near` connected, `far` was accepted. */
export function tcpPair(): Pair {
  const listener = listenOnLoopback(addressRegion)
  const near = done(calls.socket(AF_INET, SOCK_STREAM, 0))
  calls.connect(near, addressRegion, 16)
  waitReadable(listener)
  const far = done(calls.accept(listener, addressRegion))
  waitWritable(near)
  calls.close(listener)
  return { near, far }
}

/** The two ends of a Unix stream. */
export function unixPair(): Pair {
  const region = mapPrivate(8)
  const socketpair = nativeFunction<(family: number, type: number, protocol: number, fds: bigint) => number>(
    'int socketpair(int family, int type, int protocol, uintptr_t fds)',
  )
  const NONBLOCK_CLOEXEC = 0o2004000
  done(socketpair(AF_UNIX, SOCK_STREAM | NONBLOCK_CLOEXEC, 0, region.pointer))
  const [near = -1, far = -1] = new Int32Array(region.bytes.buffer, 0, 2)
  return { near, far }
}

export function closeAll(...fds: readonly Fd[]): void {
  for (const fd of fds) calls.close(fd)
}

/** Sends a text that fits into the socket's buffer. */
export function sendText(fd: Fd, text: string): void {
  const { written } = new TextEncoder().encodeInto(text, scratch.bytes)
  assert.equal(calls.send(fd, scratch, 0, written), written)
}

/** Waits until the socket is readable and returns the text of one recv; '' at the end of the stream. */
export function recvText(fd: Fd): string {
  waitReadable(fd)
  const count = done(calls.recv(fd, scratch, 0, scratch.byteLength))
  return new TextDecoder().decode(scratch.bytes.subarray(0, count))
}

/** Sends until the socket is full; returns the number of bytes sent. */
export function fillUp(fd: Fd): number {
  let total = 0
  for (;;) {
    const took = calls.send(fd, scratch, 0, scratch.byteLength)
    if (took < 0) return total
    total += took
  }
}

/** Receives until the socket is empty; returns the number of bytes received. */
export function drainDry(fd: Fd): number {
  let total = 0
  for (;;) {
    const got = calls.recv(fd, scratch, 0, scratch.byteLength)
    if (got <= 0) return total
    total += got
  }
}

const FIONREAD = 0x541b

let ioctl: ((fd: Fd, request: number, value: bigint) => number) | undefined

/** Unread bytes of a socket (ioctl(2), FIONREAD). */
export function countUnread(fd: Fd): number {
  ioctl ??= nativeFunction('int ioctl(int fd, uintptr_t request, uintptr_t value)')
  done(ioctl(fd, FIONREAD, scratch.pointer))
  return new Int32Array(scratch.bytes.buffer, 0, 1)[0] ?? 0
}

const MSG_OOB = 1

/** Sends one byte of urgent data. */
export function sendUrgent(fd: Fd): void {
  const send = nativeFunction<(fd: Fd, bytes: bigint, count: number, flags: number) => number>(
    'int send(int fd, uintptr_t bytes, size_t count, int flags)',
  )
  assert.equal(send(fd, scratch.pointer, 1, MSG_OOB), 1)
}
