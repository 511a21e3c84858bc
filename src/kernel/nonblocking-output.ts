/** Non-blocking writes to descriptors that are shared with other processes, such as stderr. */
import { closeSync, constants, fstatSync, openSync, type Stats, writeSync } from 'node:fs'
import { MSG_DONTWAIT, MSG_NOSIGNAL } from './constants.js'
import { EAGAIN, EINTR, ENOSYS, EOPNOTSUPP, errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'
import { lastErrno } from './native-errno.js'

/** struct iovec, placed before the bytes that it points to. */
const IOVEC_BYTES = 16
const BUFFER_BYTES = 64 * 1024

/** A pipe that poll(2) reports as writable has room for at least PIPE_BUF bytes. */
const PIPE_BUF_BYTES = 4096

/** linux/fs.h: this call does not block, whatever the flags of the descriptor are. */
const RWF_NOWAIT = 8
const POLLOUT = 4

type Native<A extends unknown[]> = (...args: A) => number

/**
 * Never blocks. O_NONBLOCK is not sufficient: it belongs to the open file description, and every process that shares
 * it can clear it, as libuv does in the children that it starts. So each call requests non-blocking behaviour for
 * itself.
 */
export class NonBlockingOutput {
  readonly #fd: number
  readonly #memory = mapPrivate(IOVEC_BYTES + BUFFER_BYTES)
  readonly #errno = lastErrno()
  /** The same FIFO or terminal, opened again: an open file description that is not shared. */
  #own: { readonly fd: number; readonly of: Stats } | undefined

  constructor(fd: number) {
    this.#fd = fd
    // The address is constant; the length is set before each call.
    const iovec = new BigUint64Array(this.#memory.bytes.buffer, 0, 2)
    iovec[0] = this.#memory.pointer + BigInt(IOVEC_BYTES)
  }

  /** Returns the number of bytes taken, which may be fewer than given; 0 without room. Throws other errors. */
  write(bytes: Uint8Array): number {
    const part = bytes.subarray(0, BUFFER_BYTES)
    const stats = fstatSync(this.#fd)
    // Checked on every write: when it runs in the background, the process replaces stderr by /dev/null.
    if (stats.isFile() || stats.isBlockDevice()) return writeSync(this.#fd, part)
    this.#memory.bytes.set(part, IOVEC_BYTES)
    if (stats.isSocket()) return answer(this.#send(part.length))
    const outcome = this.#writeNow(part.length)
    // pwritev2 rejects the flag (older kernel, FIFO, terminal), or does not exist.
    const isUnknown = outcome === -EOPNOTSUPP || outcome === -ENOSYS
    return isUnknown ? this.#writeElse(part.length, stats) : answer(outcome)
  }

  /** Blocks until there is room, at most `timeoutMs`. */
  waitForRoom(timeoutMs: number): void {
    this.#poll(this.#fd, timeoutMs)
  }

  #send(byteCount: number): number {
    const send = nativeFunction<Native<[number, bigint, number, number]>>(
      'int send(int fd, uintptr_t bytes, size_t count, int flags)',
    )
    return this.#outcome(send(this.#fd, this.#at, byteCount, MSG_DONTWAIT | MSG_NOSIGNAL))
  }

  /** pwritev2(2) supports RWF_NOWAIT for pipes since Linux 6.5, but not for FIFOs and terminals. */
  #writeNow(byteCount: number): number {
    const pwritev2 = optionalFunction<Native<[number, bigint, number, number, number]>>(
      'int pwritev2(int fd, uintptr_t parts, int count, int64 offset, int flags)',
    )
    if (pwritev2 === undefined) return -ENOSYS
    new BigUint64Array(this.#memory.bytes.buffer, 0, 2)[1] = BigInt(byteCount)
    return this.#outcome(pwritev2(this.#fd, this.#memory.pointer, 1, -1, RWF_NOWAIT))
  }

  /**
   * Writes to an own open file description; if it cannot be opened (another user's), one page when poll(2) reports
   * room.
   */
  #writeElse(byteCount: number, stats: Stats): number {
    const own = this.#openAgain(stats)
    if (own >= 0) return answer(this.#write(own, byteCount))
    if (!this.#poll(this.#fd, 0)) return 0
    return answer(this.#write(this.#fd, Math.min(byteCount, PIPE_BUF_BYTES)))
  }

  /** Tried once per file that the descriptor refers to. Negative: it cannot be opened. */
  #openAgain(stats: Stats): number {
    if (this.#own !== undefined && isSame(this.#own.of, stats)) return this.#own.fd
    if (this.#own !== undefined && this.#own.fd >= 0) closeSync(this.#own.fd)
    this.#own = { fd: openAgain(this.#fd, stats), of: stats }
    return this.#own.fd
  }

  #write(fd: number, byteCount: number): number {
    const write = nativeFunction<Native<[number, bigint, number]>>(
      'int write(int fd, uintptr_t bytes, size_t count)',
    )
    return this.#outcome(write(fd, this.#at, byteCount))
  }

  #poll(fd: number, timeoutMs: number): boolean {
    const poll = nativeFunction<Native<[Int32Array, number, number]>>(
      'int poll(void *entries, uintptr_t count, int timeout)',
    )
    // struct pollfd: the descriptor, 16 bits of events, and 16 bits of results, which are zero here.
    return poll(new Int32Array([fd, POLLOUT]), 1, timeoutMs) > 0
  }

  get #at(): bigint {
    return this.#memory.pointer + BigInt(IOVEC_BYTES)
  }

  #outcome(result: number): number {
    return result >= 0 ? result : -(this.#errno[0] as number)
  }
}

function answer(outcome: number): number {
  if (outcome >= 0) return outcome
  // Both mean that nothing was written; the caller tries again later.
  if (outcome === -EAGAIN || outcome === -EINTR) return 0
  throw new Error(errorText(-outcome))
}

function openAgain(fd: number, stats: Stats): number {
  const { O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants
  try {
    // O_NOCTTY: a terminal must not become the controlling terminal of this process.
    const own = openSync(`/proc/self/fd/${fd}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
    if (isSame(fstatSync(own), stats)) return own
    closeSync(own)
  } catch {
    // Owned by another user, or /proc is not mounted.
  }
  return -1
}

function isSame(one: Stats, other: Stats): boolean {
  return one.ino === other.ino && one.dev === other.dev
}

/** Undefined when the C library does not have the function. */
function optionalFunction<F extends (...args: never[]) => unknown>(prototype: string): F | undefined {
  try {
    return nativeFunction<F>(prototype)
  } catch {
    return undefined
  }
}
