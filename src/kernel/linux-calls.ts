/** The implementation of `Calls` on Linux. */
import type { Calls, Fd, Outcome } from './calls.js'
import * as c from './constants.js'
import { EINTR } from './errno.js'
import { nativeFunction, type Pointer } from './ffi.js'
import { mapPrivate, type Region } from './memory.js'
import { lastErrno } from './native-errno.js'
import { sctpCalls } from './sctp.js'

// Results are declared `int`, also where the C type is ssize_t: koffi has no such type, and no call here
// transfers 2 GiB. Pointers are `uintptr_t`, because addresses are numbers.
type Native<A extends unknown[]> = (...args: A) => number

/** struct sockaddr_storage. */
const SOCKADDR_BYTES = 128

/** O_NONBLOCK is not enough: it is shared with the program that passed a descriptor, which may clear it. */
const TRANSFER_FLAGS = c.MSG_DONTWAIT | c.MSG_NOSIGNAL

/** Must be created per thread: errno is a thread-local variable. */
export function linuxCalls(): Calls {
  const errno = lastErrno()
  return {
    ...transferCalls(errno),
    ...pipeCalls(errno),
    ...socketCalls(errno),
    // Never freed, as the other regions below: there is one set per thread.
    ...optionCalls(errno, mapPrivate(64)),
    ...endCalls(errno),
    sctp: sctpCalls(errno),
  }
}

function transferCalls(errno: Int32Array): Pick<Calls, 'recv' | 'peek' | 'send' | 'sendMore'> {
  const recv = nativeFunction<Native<[Fd, Pointer, number, number]>>(
    'int recv(int fd, uintptr_t bytes, size_t count, int flags)',
  )
  const send = nativeFunction<Native<[Fd, Pointer, number, number]>>(
    'int send(int fd, uintptr_t bytes, size_t count, int flags)',
  )
  return {
    recv(fd, into, offset, bytesMax) {
      const count = recv(fd, into.at(offset), bytesMax, TRANSFER_FLAGS)
      return count >= 0 ? count : -(errno[0] as number)
    },
    peek(fd, into, offset, bytesMax) {
      const count = recv(fd, into.at(offset), bytesMax, TRANSFER_FLAGS | c.MSG_PEEK)
      return count >= 0 ? count : -(errno[0] as number)
    },
    send(fd, from, offset, byteCount) {
      const count = send(fd, from.at(offset), byteCount, TRANSFER_FLAGS)
      return count >= 0 ? count : -(errno[0] as number)
    },
    sendMore(fd, from, offset, byteCount) {
      const count = send(fd, from.at(offset), byteCount, TRANSFER_FLAGS | c.MSG_MORE)
      return count >= 0 ? count : -(errno[0] as number)
    },
  }
}

/** splice(2) and fcntl(2) on pipes. Null offsets: neither end has a file position. */
function pipeCalls(errno: Int32Array): Pick<Calls, 'splice' | 'openPipe' | 'resizePipe'> {
  const splice = nativeFunction<Native<[Fd, number, Fd, number, number, number]>>(
    'int splice(int from, uintptr_t offset, int to, uintptr_t offset2, size_t count, uint32_t flags)',
  )
  const pipe2 = nativeFunction<Native<[Int32Array, number]>>('int pipe2(void *ends, int flags)')
  const fcntl = nativeFunction<Native<[Fd, number, number]>>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  return {
    splice(from, to, bytesMax) {
      // The flag is about the pipe; sockets have O_NONBLOCK themselves (splice(2)).
      const count = splice(from, 0, to, 0, bytesMax, c.SPLICE_F_NONBLOCK)
      return count >= 0 ? count : -(errno[0] as number)
    },
    openPipe: (ends) => (pipe2(ends, c.O_NONBLOCK | c.O_CLOEXEC) >= 0 ? 0 : -(errno[0] as number)),
    resizePipe(fd, byteCount) {
      const size = fcntl(fd, c.F_SETPIPE_SZ, byteCount)
      return size >= 0 ? size : -(errno[0] as number)
    },
  }
}

type SocketCalls = Pick<
  Calls,
  'accept' | 'socket' | 'bind' | 'listen' | 'connect' | 'localAddress' | 'isLocalAddress'
>

// `length` is a value-result argument of accept(2) and getsockname(2): it is set before every call.
function socketCalls(errno: Int32Array): SocketCalls {
  const accept = nativeFunction<Native<[Fd, Pointer, Pointer, number]>>(
    'int accept4(int fd, uintptr_t address, uintptr_t length, int flags)',
  )
  const socket = nativeFunction<Native<[number, number, number]>>(
    'int socket(int family, int type, int protocol)',
  )
  const bind = nativeFunction<Native<[Fd, Pointer, number]>>(
    'int bind(int fd, uintptr_t address, uint32_t length)',
  )
  const listen = nativeFunction<Native<[Fd, number]>>('int listen(int fd, int backlog)')
  const connect = nativeFunction<Native<[Fd, Pointer, number]>>(
    'int connect(int fd, uintptr_t address, uint32_t length)',
  )
  const getsockname = nativeFunction<Native<[Fd, Pointer, Pointer]>>(
    'int getsockname(int fd, uintptr_t address, uintptr_t length)',
  )
  const lengthRegion = mapPrivate(64)
  const own = mapPrivate(SOCKADDR_BYTES)
  const length = new Int32Array(lengthRegion.bytes.buffer, 0, 1)
  const answer = (result: number): Outcome => (result >= 0 ? result : -(errno[0] as number))
  return {
    accept(fd, peer) {
      length[0] = peer.byteLength
      // The flags of the listening socket are not inherited (accept(2)).
      return answer(accept(fd, peer.pointer, lengthRegion.pointer, c.SOCK_NONBLOCK | c.SOCK_CLOEXEC))
    },
    socket: (family, type, protocol) =>
      answer(socket(family, type | c.SOCK_NONBLOCK | c.SOCK_CLOEXEC, protocol)),
    bind: (fd, address, byteCount) => answer(bind(fd, address.pointer, byteCount)),
    listen: (fd, backlog) => answer(listen(fd, backlog)),
    connect: (fd, address, byteCount) => answer(connect(fd, address.pointer, byteCount)),
    localAddress(fd, address) {
      length[0] = address.byteLength
      const result = getsockname(fd, address.pointer, lengthRegion.pointer)
      return result < 0 ? -(errno[0] as number) : (length[0] as number)
    },
    isLocalAddress(fd, address, byteCount) {
      length[0] = own.byteLength
      if (getsockname(fd, own.pointer, lengthRegion.pointer) < 0 || length[0] !== byteCount) return false
      for (let i = 0; i < byteCount; i++) if (address.bytes[i] !== own.bytes[i]) return false
      return true
    },
  }
}

type OptionCalls = Pick<Calls, 'setOption' | 'setTextOption' | 'getOption' | 'resetOnClose' | 'unsentBytes'>

/** `scratch` holds arguments and results: an int at 0, a length at 8, a struct linger at 16, text from 32 on. */
function optionCalls(errno: Int32Array, scratch: Region): OptionCalls {
  const setsockopt = nativeFunction<Native<[Fd, number, number, Pointer, number]>>(
    'int setsockopt(int fd, int level, int name, uintptr_t value, uint32_t length)',
  )
  const getsockopt = nativeFunction<Native<[Fd, number, number, Pointer, Pointer]>>(
    'int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)',
  )
  const ioctl = nativeFunction<Native<[Fd, number, Pointer]>>(
    'int ioctl(int fd, uintptr_t request, uintptr_t value)',
  )
  const words = new Int32Array(scratch.bytes.buffer, 0, 8)
  const value = scratch.pointer
  const lengthAt = scratch.pointer + 8n
  const linger = scratch.pointer + 16n
  // Set once: no other function writes these words.
  words[4] = 1 // l_onoff; l_linger is 0
  const answer = (result: number): Outcome => (result >= 0 ? result : -(errno[0] as number))
  return {
    setOption(fd, level, name, wanted) {
      words[0] = wanted
      return answer(setsockopt(fd, level, name, value, 4))
    },
    setTextOption(fd, level, name, text) {
      const { written } = new TextEncoder().encodeInto(text, scratch.bytes.subarray(32))
      return answer(setsockopt(fd, level, name, scratch.pointer + 32n, written))
    },
    getOption(fd, level, name) {
      words[2] = 4
      const result = getsockopt(fd, level, name, value, lengthAt)
      return result < 0 ? -(errno[0] as number) : (words[0] as number)
    },
    resetOnClose: (fd) => answer(setsockopt(fd, c.SOL_SOCKET, c.SO_LINGER, linger, 8)),
    unsentBytes(fd) {
      // Stores an int (tcp(7)); the word at 0 is only an argument of setOption.
      const result = ioctl(fd, c.SIOCOUTQ, value)
      return result < 0 ? -(errno[0] as number) : (words[0] as number)
    },
  }
}

function endCalls(errno: Int32Array): Pick<Calls, 'shutdownWrite' | 'close' | 'discard'> {
  const shutdown = nativeFunction<Native<[Fd, number]>>('int shutdown(int fd, int how)')
  const close = nativeFunction<Native<[Fd]>>('int close(int fd)')
  const madvise = nativeFunction<Native<[Pointer, number, number]>>(
    'int madvise(uintptr_t address, size_t length, int advice)',
  )
  return {
    shutdownWrite: (fd) => (shutdown(fd, c.SHUT_WR) >= 0 ? 0 : -(errno[0] as number)),
    close(fd) {
      // Linux has freed the descriptor even when close fails with EINTR (close(2), "Dealing with error returns").
      if (close(fd) >= 0 || errno[0] === EINTR) return 0
      return -(errno[0] as number)
    },
    discard(region) {
      // MADV_REMOVE also frees the pages of the memfd, which MADV_DONTNEED would keep (madvise(2)).
      const result = madvise(region.pointer, region.byteLength, c.MADV_REMOVE)
      return result >= 0 ? 0 : -(errno[0] as number)
    },
  }
}
