/** The system calls that pass descriptors between processes. */
import type { Fd, Outcome } from './calls.js'
import {
  AF_UNIX,
  F_GETFL,
  F_SETFL,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  O_NONBLOCK,
  SO_PASSRIGHTS,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_STREAM,
  SOL_SOCKET,
} from './constants.js'
import { nativeFunction, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'
import type { MessageBatch } from './message-batch.js'
import { lastErrno } from './native-errno.js'
import type { Region } from './region.js'

/** Sets FD_CLOEXEC on received descriptors (recvmsg(2)). */
const MSG_CMSG_CLOEXEC = 0x4000_0000

/** No call throws or blocks. */
export interface MessageCalls {
  /** socketpair(2) of Unix sockets: two blocking descriptors with FD_CLOEXEC. */
  socketPair(type: 'datagram' | 'stream'): readonly [Fd, Fd] | Outcome
  /** sendmmsg(2): sends the first `count` messages of the batch, returns how many were taken. */
  send(fd: Fd, batch: MessageBatch, count: number): Outcome
  /** recvmmsg(2): returns the number of received messages. */
  receive(fd: Fd, batch: MessageBatch): Outcome
  /** Sets O_NONBLOCK on a descriptor that another program opened. */
  setNonBlocking(fd: Fd): Outcome
  /**
   * Clears SO_PASSRIGHTS: peers can no longer send descriptors to this socket (Linux 6.16; a no-op before). The
   * receiver would have to close them, and close(2) of a socket can block for its linger time.
   */
  refuseDescriptors(fd: Fd): void
  /** getpeername(2): stores the address in `address` and returns its length. */
  peerAddress(fd: Fd, address: Region): Outcome
}

// One call moves a whole batch: the wire to a child carries a datagram per client.
type BatchCall = (fd: Fd, headers: Pointer, count: number, flags: number) => number
type ReceiveCall = (fd: Fd, headers: Pointer, count: number, flags: number, timeout: Pointer) => number

/** Must be called on the thread that uses the functions: errno is thread-local. */
export function messageCalls(): MessageCalls {
  const errno = lastErrno()
  const sendmmsg = nativeFunction<BatchCall>(
    'int sendmmsg(int fd, uintptr_t headers, uint32_t count, int flags)',
  )
  const recvmmsg = nativeFunction<ReceiveCall>(
    'int recvmmsg(int fd, uintptr_t headers, uint32_t count, int flags, uintptr_t timeout)',
  )
  const socketpair = nativeFunction<
    (family: number, type: number, protocol: number, pair: Pointer) => number
  >('int socketpair(int family, int type, int protocol, uintptr_t pair)')
  const fcntl = nativeFunction<(fd: Fd, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  const setsockopt = nativeFunction<
    (fd: Fd, level: number, name: number, value: Uint8Array, byteCount: number) => number
  >('int setsockopt(int fd, int level, int name, const void *value, uint32_t byte_count)')
  const getpeername = nativeFunction<(fd: Fd, address: Pointer, length: Pointer) => number>(
    'int getpeername(int fd, uintptr_t address, uintptr_t length)',
  )
  // Two ints: the result of socketpair(2), or the length that getpeername(2) reads and overwrites.
  const region = mapPrivate(8)
  const pair = new Int32Array(region.bytes.buffer, 0, 2)
  const answer = (result: number): Outcome => (result >= 0 ? result : -(errno[0] as number))
  return {
    socketPair(type) {
      const kind = type === 'datagram' ? SOCK_DGRAM : SOCK_STREAM
      const outcome = answer(socketpair(AF_UNIX, kind | SOCK_CLOEXEC, 0, region.pointer))
      return outcome < 0 ? outcome : [pair[0] as number, pair[1] as number]
    },
    send: (fd, batch, count) => answer(sendmmsg(fd, batch.headerAt(0), count, MSG_DONTWAIT | MSG_NOSIGNAL)),
    receive(fd, batch) {
      batch.setReceive()
      return answer(recvmmsg(fd, batch.headerAt(0), batch.capacity, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0))
    },
    setNonBlocking(fd) {
      const flags = answer(fcntl(fd, F_GETFL, 0))
      return flags < 0 ? flags : answer(fcntl(fd, F_SETFL, flags | O_NONBLOCK))
    },
    refuseDescriptors(fd) {
      setsockopt(fd, SOL_SOCKET, SO_PASSRIGHTS, new Uint8Array(4), 4)
    },
    peerAddress(fd, address) {
      pair[0] = address.byteLength
      const outcome = answer(getpeername(fd, address.pointer, region.pointer))
      return outcome < 0 ? outcome : (pair[0] as number)
    },
  }
}
