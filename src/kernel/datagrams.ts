/** UDP datagrams with their source and destination address: recvmsg(2), ip(7), ipv6(7). */
import type { Calls, Fd, Outcome } from './calls.js'
import * as c from './constants.js'
import { nativeFunction, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'
import { lastErrno } from './native-errno.js'
import type { Region } from './region.js'

/** struct sockaddr_in and sockaddr_in6: their lengths, and the offsets of address and scope. */
const SOCKADDR_IN_BYTES = 16
const SOCKADDR_IN6_BYTES = 28
const IPV4_AT = 4
const IPV6_AT = 8
const SCOPE_AT = 24

/** Offset of the IPv4 address in a mapped one, ::ffff:0:0/96 (RFC 4291, 2.5.5.2). */
const MAPPED_AT = IPV6_AT + 12

/** Offsets in struct msghdr on 64-bit Linux. */
const NAME_AT = 0
const NAME_BYTES_AT = 8
const IOV_AT = 16
const IOV_COUNT_AT = 24
const CONTROL_AT = 32
const CONTROL_BYTES_AT = 40
/** After it, in the same region: one struct iovec, then the control messages. */
const IOVEC_AT = 64
const CMSG_AT = 80
const CONTROL_BYTES = 128

/** struct cmsghdr: length, level and type; each message starts at a multiple of 8. */
const CMSG_LEVEL_AT = 8
const CMSG_TYPE_AT = 12
const CMSG_DATA_AT = 16

/** struct in_pktinfo: ipi_spec_dst, the local address, precedes ipi_addr, which may be a broadcast address. */
const SPEC_DST_AT = CMSG_DATA_AT + 4
/** struct in6_pktinfo: the address, then the interface index. */
const IPV6_IFINDEX_AT = CMSG_DATA_AT + 16

// With MSG_TRUNC recvmsg(2) returns the length that the datagram had, not the length that was stored.
const RECEIVE_FLAGS = c.MSG_DONTWAIT | c.MSG_TRUNC
const PEEK_FLAGS = c.MSG_DONTWAIT | c.MSG_PEEK

type Native<A extends unknown[]> = (...args: A) => number

/** No call throws or blocks. */
export interface DatagramCalls {
  /**
   * Receives the next datagram and returns its length, which exceeds `bytesMax` if it was truncated. Stores the
   * sender in `peer`, and the destination address in `local`, whose port is unchanged. `local` is unchanged if the
   * socket does not report it (`reportLocalAddress`).
   */
  receive(fd: Fd, into: Region, bytesMax: number, peer: Region, local: Region): Outcome
  /** Stores the sender of the next datagram in `peer` and leaves the datagram in the queue. */
  peekSender(fd: Fd, peer: Region): Outcome
  /** A blocking UDP socket, as other programs expect it when they inherit one. */
  socket(family: number): Outcome
}

/** Must be called on the thread that uses the functions: errno is thread-local. */
export function datagramCalls(): DatagramCalls {
  const errno = lastErrno()
  const recvmsg = nativeFunction<Native<[Fd, Pointer, number]>>(
    'int recvmsg(int fd, uintptr_t header, int flags)',
  )
  const socket = nativeFunction<Native<[number, number, number]>>(
    'int socket(int family, int type, int protocol)',
  )
  // Reused by every call, so that receiving allocates nothing.
  const header = mapPrivate(CMSG_AT + CONTROL_BYTES)
  const words = new Int32Array(header.bytes.buffer, 0, header.byteLength / 4)
  // The struct is read as 32-bit words: `| 0` keeps the lower half of the address.
  const setPointer = (at: number, value: number) => {
    words[at / 4] = value | 0
    words[at / 4 + 1] = Math.floor(value / 2 ** 32)
  }
  setPointer(IOV_AT, header.address + IOVEC_AT)
  words[IOV_COUNT_AT / 4] = 1
  setPointer(CONTROL_AT, header.address + CMSG_AT)
  const answer = (result: number): Outcome => (result >= 0 ? result : -(errno[0] as number))
  /** `recvmsg` into the buffer in `header`, with the sender in `peer`. */
  const call = (fd: Fd, peer: Region, flags: number): Outcome => {
    setPointer(NAME_AT, peer.address)
    // Both lengths are value-result arguments, which the last call has overwritten (recvmsg(2)).
    words[NAME_BYTES_AT / 4] = peer.byteLength
    words[CONTROL_BYTES_AT / 4] = CONTROL_BYTES
    return answer(recvmsg(fd, header.pointer, flags))
  }
  return {
    receive(fd, into, bytesMax, peer, local) {
      setPointer(IOVEC_AT, into.address)
      words[IOVEC_AT / 4 + 2] = bytesMax
      const count = call(fd, peer, RECEIVE_FLAGS)
      if (count >= 0) readLocal(header.bytes, words, local.bytes)
      return count
    },
    peekSender(fd, peer) {
      // Of the iovec only the length matters: zero bytes are copied to whatever address the last call left.
      words[IOVEC_AT / 4 + 2] = 0
      return call(fd, peer, PEEK_FLAGS)
    },
    socket: (family) => answer(socket(family, c.SOCK_DGRAM | c.SOCK_CLOEXEC, 0)),
  }
}

/** Enables the local address of each received datagram. On an IPv6 socket it is enabled for IPv4 datagrams too. */
export function reportLocalAddress(calls: Calls, fd: Fd, isIpv6: boolean): Outcome {
  const outcome = calls.setOption(fd, c.IPPROTO_IP, c.IP_PKTINFO, 1)
  return isIpv6 ? calls.setOption(fd, c.IPPROTO_IPV6, c.IPV6_RECVPKTINFO, 1) : outcome
}

/** The length of the IPv4 or IPv6 socket address in `bytes`. */
export function socketAddressBytes(bytes: Uint8Array): number {
  return bytes[0] === c.AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES
}

/**
 * An IPv4 datagram on an IPv6 socket may bring both: IP_PKTINFO wins, because its spec_dst is never a broadcast
 * address.
 */
function readLocal(control: Uint8Array, words: Int32Array, local: Uint8Array): void {
  const end = CMSG_AT + (words[CONTROL_BYTES_AT / 4] as number)
  let isKnown = false
  for (let at = CMSG_AT; at + CMSG_DATA_AT <= end; ) {
    const byteCount = words[at / 4] as number
    // Shorter than its own header: malformed, and the loop would not advance.
    if (byteCount < CMSG_DATA_AT) return
    const level = words[(at + CMSG_LEVEL_AT) / 4]
    const type = words[(at + CMSG_TYPE_AT) / 4]
    if (level === c.IPPROTO_IP && type === c.IP_PKTINFO) {
      const to = local[0] === c.AF_INET ? IPV4_AT : MAPPED_AT
      if (to === MAPPED_AT) setMappedPrefix(local)
      copy(control, at + SPEC_DST_AT, 4, local, to)
      isKnown = true
    } else if (level === c.IPPROTO_IPV6 && type === c.IPV6_PKTINFO && !isKnown) {
      copy(control, at + CMSG_DATA_AT, 16, local, IPV6_AT)
      setScope(control, at + IPV6_IFINDEX_AT, local)
    }
    at += (byteCount + 7) & ~7
  }
}

/** A link-local address (fe80::/10) is only complete with its interface. */
function setScope(control: Uint8Array, ifindexAt: number, local: Uint8Array): void {
  const isOfLink = local[IPV6_AT] === 0xfe && ((local[IPV6_AT + 1] as number) & 0xc0) === 0x80
  if (isOfLink) copy(control, ifindexAt, 4, local, SCOPE_AT)
  else local.fill(0, SCOPE_AT, SCOPE_AT + 4)
}

function setMappedPrefix(local: Uint8Array): void {
  local.fill(0, IPV6_AT, MAPPED_AT - 2)
  local.fill(0xff, MAPPED_AT - 2, MAPPED_AT)
  local.fill(0, SCOPE_AT, SCOPE_AT + 4)
}

function copy(from: Uint8Array, at: number, byteCount: number, to: Uint8Array, toAt: number): void {
  for (let i = 0; i < byteCount; i++) to[toAt + i] = from[at + i] as number
}
