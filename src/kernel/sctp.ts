/** SCTP sockets of one-to-one style: sctp(7), RFC 6458, linux/sctp.h. */
import { MSG_DONTWAIT, MSG_NOSIGNAL, SOL_SOCKET } from './constants.js'
import { EINTR } from './errno.js'
import { nativeFunction, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'
import type { Fd, Outcome } from './outcome.js'
import type { Region } from './region.js'
import type { NativeAddress } from './sockaddr.js'

export const IPPROTO_SCTP = 132

/** Options that are set before listen(2) or connect(2); accepted sockets inherit them. */
export interface SctpOptions {
  /**
   * Streams to request in each direction; the association gets no more than the peer supports. Zero: the system's
   * default.
   */
  readonly streams: number
  /** Interval of heartbeats on an idle path. Zero: none; undefined: the system's default. */
  readonly heartbeatMs: number | undefined
}

/** The attributes of a message. */
export class MessageInfo {
  stream = 0
  /** Payload protocol identifier, opaque to SCTP, in network byte order. */
  ppid = 0
  isUnordered = false
  /** Whether the message is complete: MSG_EOR was set on its last part. */
  isWhole = true
}

export interface SctpCalls {
  /**
   * recvmsg(2), non-blocking: the number of bytes of one message, or of a part of it; 0 at the end of the
   * association. Stores the message's attributes in `about`.
   */
  receive(fd: Fd, into: Region, offset: number, bytesMax: number, about: MessageInfo): Outcome
  /** sendmsg(2), non-blocking: sends one message, completely or not at all. */
  send(fd: Fd, from: Region, offset: number, byteCount: number, about: MessageInfo): Outcome
  /** Sets the options, and those that the relay always needs. Call before listen(2) or connect(2). */
  setUp(fd: Fd, options: SctpOptions): Outcome
  /** sctp_bindx(3): binds further addresses of a socket that is already bound. */
  bindMore(fd: Fd, addresses: NativeAddress): Outcome
  /** sctp_connectx(3): connects to a peer with several addresses; 0, or -EINPROGRESS. */
  connectAll(fd: Fd, addresses: NativeAddress): Outcome
  /** Memory of the send queue in bytes, overhead included (SO_MEMINFO): SCTP has no SIOCOUTQ. */
  unsentBytes(fd: Fd): Outcome
}

// Socket options of level IPPROTO_SCTP (linux/sctp.h), and SO_MEMINFO of level SOL_SOCKET (Linux 4.12).
const SCTP_INITMSG = 2
const SCTP_NODELAY = 3
const SCTP_PEER_ADDR_PARAMS = 9
const SCTP_RECVRCVINFO = 32
const SCTP_SOCKOPT_BINDX_ADD = 100
const SCTP_SOCKOPT_CONNECTX = 110
const SO_MEMINFO = 55

const MSG_EOR = 0x80
const MSG_NOTIFICATION = 0x8000
const TRANSFER_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL

// enum sctp_cmsg_type.
const CMSG_SNDINFO = 2
const CMSG_RCVINFO = 3
/** sinfo_flags. */
const SCTP_UNORDERED = 1

/** Offsets in struct msghdr on 64-bit Linux. */
const IOV_AT = 16
const IOV_COUNT_AT = 24
const CONTROL_AT = 32
const CONTROL_BYTES_AT = 40
const FLAGS_AT = 48
/** After it, in the same region: one struct iovec, then the control message with its header of 16 bytes. */
const IOVEC_AT = 64
const CMSG_AT = 80
const CMSG_DATA_AT = CMSG_AT + 16

/** struct sctp_rcvinfo has 28 bytes, struct sctp_sndinfo 16. */
const RCVINFO_CMSG_BYTES = 16 + 28
const SNDINFO_CMSG_BYTES = 16 + 16
/** Room for further control messages. */
const CONTROL_BYTES = 128

/** struct sctp_paddrparams, packed, in the length of kernels before 4.19, which newer ones accept. */
const PADDRPARAMS_BYTES = 152
const HEARTBEAT_MS_AT = 132
const PADDR_FLAGS_AT = 146
const SPP_HB_ENABLE = 1
const SPP_HB_DISABLE = 2

/** Words of SO_MEMINFO, and the index of the send queue's memory (SK_MEMINFO_WMEM_QUEUED). */
const MEMINFO_WORDS = 9
const WMEM_QUEUED = 5

type Native<A extends unknown[]> = (...args: A) => number

/** Must be created per thread: `errno` is the calling thread's. */
export function sctpCalls(errno: Int32Array): SctpCalls {
  return { ...messageCalls(errno), ...settingCalls(errno) }
}

/** A reusable struct msghdr with one iovec and one control message: calls allocate nothing. */
function messageHeader(controlBytes: number) {
  const { address, bytes, pointer } = mapPrivate(CMSG_AT + CONTROL_BYTES)
  const words = new Int32Array(bytes.buffer, 0, bytes.length / 4)
  const halves = new Uint16Array(bytes.buffer, 0, bytes.length / 2)
  const setPointer = (at: number, value: number) => {
    words[at / 4] = value | 0
    words[at / 4 + 1] = Math.floor(value / 2 ** 32)
  }
  setPointer(IOV_AT, address + IOVEC_AT)
  words[IOV_COUNT_AT / 4] = 1
  setPointer(CONTROL_AT, address + CMSG_AT)
  words[CONTROL_BYTES_AT / 4] = controlBytes
  return { halves, pointer, setPointer, words }
}

function messageCalls(errno: Int32Array): Pick<SctpCalls, 'receive' | 'send'> {
  const recvmsg = nativeFunction<Native<[Fd, Pointer, number]>>(
    'int recvmsg(int fd, uintptr_t header, int flags)',
  )
  const sendmsg = nativeFunction<Native<[Fd, Pointer, number]>>(
    'int sendmsg(int fd, uintptr_t header, int flags)',
  )
  const incoming = messageHeader(CONTROL_BYTES)
  const outgoing = messageHeader(SNDINFO_CMSG_BYTES)
  outgoing.words[CMSG_AT / 4] = SNDINFO_CMSG_BYTES
  outgoing.words[CMSG_AT / 4 + 2] = IPPROTO_SCTP
  outgoing.words[CMSG_AT / 4 + 3] = CMSG_SNDINFO
  return {
    receive(fd, into, offset, bytesMax, about) {
      const { pointer, setPointer, words } = incoming
      setPointer(IOVEC_AT, into.address + offset)
      words[IOVEC_AT / 4 + 2] = bytesMax
      words[CONTROL_BYTES_AT / 4] = CONTROL_BYTES
      const count = recvmsg(fd, pointer, TRANSFER_FLAGS)
      if (count < 0) return -(errno[0] as number)
      const flags = words[FLAGS_AT / 4] as number
      // A notification of the kernel, not a message of the peer: skip it.
      if ((flags & MSG_NOTIFICATION) !== 0) return -EINTR
      about.isWhole = (flags & MSG_EOR) !== 0
      readInfo(incoming, about)
      return count
    },
    send(fd, from, offset, byteCount, about) {
      const { halves, pointer, setPointer, words } = outgoing
      setPointer(IOVEC_AT, from.address + offset)
      words[IOVEC_AT / 4 + 2] = byteCount
      // struct sctp_sndinfo: stream and flags of 16 bits each, then ppid.
      halves[CMSG_DATA_AT / 2] = about.stream
      halves[CMSG_DATA_AT / 2 + 1] = about.isUnordered ? SCTP_UNORDERED : 0
      words[CMSG_DATA_AT / 4 + 1] = about.ppid
      const count = sendmsg(fd, pointer, TRANSFER_FLAGS)
      return count >= 0 ? count : -(errno[0] as number)
    },
  }
}

/** struct sctp_rcvinfo: stream, ssn and flags of 16 bits each, padding, then ppid. Zeros without it. */
function readInfo({ halves, words }: ReturnType<typeof messageHeader>, about: MessageInfo): void {
  const hasInfo =
    (words[CONTROL_BYTES_AT / 4] as number) >= RCVINFO_CMSG_BYTES &&
    words[CMSG_AT / 4 + 2] === IPPROTO_SCTP &&
    words[CMSG_AT / 4 + 3] === CMSG_RCVINFO
  about.stream = hasInfo ? (halves[CMSG_DATA_AT / 2] as number) : 0
  about.isUnordered = hasInfo && ((halves[CMSG_DATA_AT / 2 + 2] as number) & SCTP_UNORDERED) !== 0
  about.ppid = hasInfo ? (words[CMSG_DATA_AT / 4 + 2] as number) : 0
}

/**
 * Calls that set up or inspect a socket. `value` is the argument or result of every option, so a call fills
 * all of it that the kernel reads.
 */
function settingCalls(
  errno: Int32Array,
): Pick<SctpCalls, 'setUp' | 'bindMore' | 'connectAll' | 'unsentBytes'> {
  const setsockopt = nativeFunction<Native<[Fd, number, number, Pointer, number]>>(
    'int setsockopt(int fd, int level, int name, uintptr_t value, uint32_t length)',
  )
  const getsockopt = nativeFunction<Native<[Fd, number, number, Pointer, Pointer]>>(
    'int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)',
  )
  const value = mapPrivate(PADDRPARAMS_BYTES)
  const view = new DataView(value.bytes.buffer)
  const length = mapPrivate(4)
  const lengthWord = new Int32Array(length.bytes.buffer, 0, 1)
  const answer = (result: number): Outcome => (result >= 0 ? result : -(errno[0] as number))
  const set = (fd: Fd, name: number, from: Region, byteCount: number) =>
    answer(setsockopt(fd, IPPROTO_SCTP, name, from.pointer, byteCount))
  const turnOn = (fd: Fd, name: number) => {
    view.setInt32(0, 1, true)
    return set(fd, name, value, 4)
  }
  return {
    setUp(fd, { heartbeatMs, streams }) {
      // Send each message at once (no Nagle), and receive its stream and ppid.
      const basics = Math.min(turnOn(fd, SCTP_NODELAY), turnOn(fd, SCTP_RECVRCVINFO))
      if (basics < 0) return basics
      if (streams > 0) {
        value.bytes.fill(0)
        view.setUint16(0, streams, true)
        view.setUint16(2, streams, true)
        const outcome = set(fd, SCTP_INITMSG, value, 8)
        if (outcome < 0) return outcome
      }
      if (heartbeatMs === undefined) return 0
      value.bytes.fill(0)
      view.setUint32(HEARTBEAT_MS_AT, heartbeatMs, true)
      view.setUint32(PADDR_FLAGS_AT, heartbeatMs === 0 ? SPP_HB_DISABLE : SPP_HB_ENABLE, true)
      return set(fd, SCTP_PEER_ADDR_PARAMS, value, PADDRPARAMS_BYTES)
    },
    bindMore: (fd, { byteLength, region }) => set(fd, SCTP_SOCKOPT_BINDX_ADD, region, byteLength),
    // Returns the association id on success.
    connectAll: (fd, { byteLength, region }) =>
      Math.min(0, set(fd, SCTP_SOCKOPT_CONNECTX, region, byteLength)),
    unsentBytes(fd) {
      lengthWord[0] = MEMINFO_WORDS * 4
      const outcome = answer(getsockopt(fd, SOL_SOCKET, SO_MEMINFO, value.pointer, length.pointer))
      return outcome < 0 ? outcome : view.getUint32(WMEM_QUEUED * 4, true)
    },
  }
}
