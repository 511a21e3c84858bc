/** A self-test of the struct layouts and of errno on the running kernel. */
import type { Calls } from './calls.js'
import * as c from './constants.js'
import { type EpollLayout, epollLayout } from './epoll-layout.js'
import { EBADF } from './errno.js'
import { openEventFd } from './eventfd.js'
import { nativeFunction } from './ffi.js'
import { linuxCalls } from './linux-calls.js'
import { mapPrivate, unmap } from './memory.js'
import { decodeAddress, encodeAddress, SOCKADDR_BYTES_MAX } from './sockaddr.js'

/** Arbitrary, but not a value that a wrong layout would yield by chance. */
const TOKEN = 0x5eed_cafe | 0

const EPOLLIN = 1

/**
 * Verifies on the running kernel what the rest of the program assumes: the address of errno, and the layouts of
 * struct sockaddr and struct epoll_event. Takes about a millisecond and leaves nothing open. Returns an error message
 * if a check fails.
 */
export function kernelProblem(arch: string = process.arch): string | undefined {
  const calls = linuxCalls()
  const problem = errnoProblem(calls) ?? sockaddrProblem(calls) ?? epollProblem(calls, epollLayout(arch))
  return problem && `${problem}: tcprelay does not support this system`
}

function errnoProblem(calls: Calls): string | undefined {
  const outcome = calls.close(-1)
  return outcome === -EBADF ? undefined : `close(-1) returns ${outcome} instead of ${-EBADF}`
}

/** Checks encoding with bind(2) and decoding with getsockname(2). */
function sockaddrProblem(calls: Calls): string | undefined {
  const fd = calls.socket(c.AF_INET, c.SOCK_STREAM, 0)
  if (fd < 0) return undefined // without IPv4 nothing can be misread
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  try {
    const wanted = encodeAddress({ family: 'ipv4', host: '127.0.0.1', port: 0 })
    region.bytes.set(wanted)
    if (calls.bind(fd, region, wanted.length) < 0) return undefined // the loopback is down
    region.bytes.fill(0)
    const byteLength = calls.localAddress(fd, region)
    const found = decodeAddress(region.bytes)
    const isRight = found.family === 'ipv4' && found.host === '127.0.0.1' && found.port > 0
    return isRight && byteLength === wanted.length ? undefined : 'struct sockaddr has an unexpected layout'
  } finally {
    unmap(region)
    calls.close(fd)
  }
}

/** Checks two events at once, so that the size of the struct is verified too. */
function epollProblem(calls: Calls, { eventBytes, dataOffset }: EpollLayout): string | undefined {
  const create = nativeFunction<(flags: number) => number>('int epoll_create1(int flags)')
  const control = nativeFunction<(fd: number, operation: number, target: number, event: bigint) => number>(
    'int epoll_ctl(int fd, int operation, int target, uintptr_t event)',
  )
  const wait = nativeFunction<(fd: number, events: bigint, max: number, timeoutMs: number) => number>(
    'int epoll_wait(int fd, uintptr_t events, int max, int timeout)',
  )
  const region = mapPrivate(64)
  const view = new DataView(region.bytes.buffer, 0, 64)
  const epollFd = create(c.EPOLL_CLOEXEC)
  const wakes = [openEventFd(), openEventFd()]
  try {
    for (const [index, { fd, wake }] of wakes.entries()) {
      wake()
      view.setUint32(0, EPOLLIN, true)
      view.setInt32(dataOffset, TOKEN + index, true)
      control(epollFd, c.EPOLL_CTL_ADD, fd, region.pointer)
    }
    const count = wait(epollFd, region.pointer, wakes.length, 0)
    const events = wakes.map((_, index) => view.getUint32(index * eventBytes, true))
    const tokens = wakes.map((_, index) => view.getInt32(index * eventBytes + dataOffset, true)).sort()
    const isRight = count === 2 && events.join() === `${EPOLLIN},${EPOLLIN}`
    const areTokensRight = tokens.includes(TOKEN) && tokens.includes(TOKEN + 1)
    return isRight && areTokensRight ? undefined : 'struct epoll_event has an unexpected layout'
  } finally {
    for (const wake of wakes) wake.close()
    calls.close(epollFd)
    unmap(region)
  }
}
