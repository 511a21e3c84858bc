/** Inspects sockets of another process through copies of its descriptors. */
import { readdirSync, readlinkSync } from 'node:fs'
import type { Fd } from '../../src/kernel/calls.js'
import * as c from '../../src/kernel/constants.js'
import { nativeFunction } from '../../src/kernel/ffi.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import { calls, closeAll, done } from './sockets.js'

/** System call numbers, the same on x86-64 and arm64. */
const PIDFD_OPEN = 434
const PIDFD_GETFD = 438

/** Copies of the descriptors of one session of another process, for getsockopt(2). */
export interface BorrowedSession {
  /** Sockets accepted from its listener. */
  readonly client: Fd
  readonly remote: Fd
}

/**
 * Copies the sockets of the only session of a process that listens on `port`. Needs permission to trace the process.
 */
export function lookAtSession<T>(pid: number, port: number, look: (session: BorrowedSession) => T): T {
  const fds = borrow(pid)
  try {
    const connected = fds.filter((fd) => isConnected(fd))
    const client = connected.find((fd) => portOf(fd) === port)
    const remote = connected.find((fd) => portOf(fd) !== port)
    if (client === undefined || remote === undefined)
      throw new Error(`no session in ${connected.length} sockets`)
    return look({ client, remote })
  } finally {
    closeAll(...fds)
  }
}

function borrow(pid: number): Fd[] {
  const syscall = nativeFunction<(number: number, a: number, b: number, c: number) => number>(
    'long syscall(long number, long a, long b, long c)',
  )
  const pidfd = done(syscall(PIDFD_OPEN, pid, 0, 0))
  const folder = `/proc/${pid}/fd`
  const numbers = readdirSync(folder).filter((fd) => readlinkSync(`${folder}/${fd}`).startsWith('socket:'))
  const fds = numbers.map((fd) => done(syscall(PIDFD_GETFD, pidfd, Number(fd), 0)))
  calls.close(pidfd)
  return fds
}

function isConnected(fd: Fd): boolean {
  const family = addressOf(fd)?.family
  return family !== undefined && family !== 'unix' && calls.getOption(fd, c.SOL_SOCKET, c.SO_ACCEPTCONN) === 0
}

function portOf(fd: Fd): number | undefined {
  const address = addressOf(fd)
  return address === undefined || address.family === 'unix' ? undefined : address.port
}

function addressOf(fd: Fd) {
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  const byteLength = calls.localAddress(fd, region)
  return byteLength < 0 ? undefined : decodeAddress(region.bytes, byteLength)
}
