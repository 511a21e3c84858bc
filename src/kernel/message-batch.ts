/**
 * The memory of batched datagrams that carry descriptors (SCM_RIGHTS, unix(7)); `message-calls.ts` sends and receives
 * it.
 */
import { mapPrivate } from './memory.js'

/** struct mmsghdr on 64-bit Linux: a msghdr of 56 bytes, the length, padding (recvmmsg(2), bits/socket.h). */
const HEADER_BYTES = 64
const HEADER_IOV = 16
const HEADER_IOV_COUNT = 24
const HEADER_CONTROL = 32
const HEADER_CONTROL_BYTES = 40
const HEADER_FLAGS = 48
const HEADER_LENGTH = 56
const IOV_BYTES = 16

/** CMSG_LEN(sizeof(int)), and its size when aligned to 8: room for exactly one descriptor. */
const CONTROL_LENGTH = 20
const CONTROL_STRIDE = 24
const CONTROL_FD = 16
const SCM_RIGHTS = 1
const SOL_SOCKET = 1

const MSG_CTRUNC = 0x8
const MSG_TRUNC = 0x20

export const NO_DESCRIPTOR = -1

/**
 * Datagrams with at most one descriptor each, in the form of sendmmsg(2) and recvmmsg(2): one region that is filled
 * and read in place. A received descriptor belongs to the caller of `receivedFd`.
 */
export class MessageBatch {
  readonly capacity: number
  /** Maximum length of a datagram; a longer one is truncated (`wasTooLong`). */
  readonly messageBytesMax: number
  /** Headers, then iovecs, control messages and bytes, each as an array of `capacity` elements. */
  readonly #region
  readonly #view: DataView
  readonly #controlAt: number
  readonly #bytesAt: number

  constructor(capacity: number, messageBytesMax: number) {
    this.capacity = capacity
    this.messageBytesMax = messageBytesMax
    const iovAt = capacity * HEADER_BYTES
    this.#controlAt = iovAt + capacity * IOV_BYTES
    this.#bytesAt = this.#controlAt + capacity * CONTROL_STRIDE
    this.#region = mapPrivate(this.#bytesAt + capacity * messageBytesMax)
    this.#view = new DataView(this.#region.bytes.buffer)
    for (let i = 0; i < capacity; i++) this.#pointAt(i, iovAt + i * IOV_BYTES)
  }

  /** The bytes of all messages; message `i` starts at `offsetOf(i)`. */
  get bytes(): Uint8Array {
    return this.#region.bytes
  }

  offsetOf(i: number): number {
    return this.#bytesAt + i * this.messageBytesMax
  }

  /** Address of the header of message `i`, for the system call. */
  headerAt(i: number): number {
    return this.#region.address + i * HEADER_BYTES
  }

  /** Prepares message `i` for sending; its bytes must already be in place. */
  setSend(i: number, byteCount: number, fd: number): void {
    this.#view.setBigUint64(
      i * HEADER_BYTES + HEADER_CONTROL_BYTES,
      fd < 0 ? 0n : BigInt(CONTROL_LENGTH),
      true,
    )
    this.#setByteCount(i, byteCount)
    const control = this.#controlAt + i * CONTROL_STRIDE
    this.#view.setBigUint64(control, BigInt(CONTROL_LENGTH), true)
    this.#view.setInt32(control + 8, SOL_SOCKET, true)
    this.#view.setInt32(control + 12, SCM_RIGHTS, true)
    this.#view.setInt32(control + CONTROL_FD, fd, true)
  }

  /** Prepares all messages for receiving. */
  setReceive(): void {
    // The kernel overwrites the lengths of the last call: restore them.
    for (let i = 0; i < this.capacity; i++) {
      this.#view.setBigUint64(i * HEADER_BYTES + HEADER_CONTROL_BYTES, BigInt(CONTROL_LENGTH), true)
      this.#setByteCount(i, this.messageBytesMax)
    }
  }

  /** Length of received message `i`. */
  receivedBytes(i: number): number {
    return this.#view.getUint32(i * HEADER_BYTES + HEADER_LENGTH, true)
  }

  /** The descriptor of received message `i`, or NO_DESCRIPTOR. */
  receivedFd(i: number): number {
    const controlBytes = this.#view.getBigUint64(i * HEADER_BYTES + HEADER_CONTROL_BYTES, true)
    // The kernel has replaced the length by what it stored: zero without a control message.
    if (controlBytes < BigInt(CONTROL_LENGTH)) return NO_DESCRIPTOR
    const control = this.#controlAt + i * CONTROL_STRIDE
    const isRights = this.#view.getInt32(control + 12, true) === SCM_RIGHTS
    return isRights ? this.#view.getInt32(control + CONTROL_FD, true) : NO_DESCRIPTOR
  }

  /** Whether a descriptor was sent but not received, because this process is at its descriptor limit (MSG_CTRUNC). */
  hasLostFd(i: number): boolean {
    return (this.#flags(i) & MSG_CTRUNC) !== 0
  }

  /** Whether the datagram was longer than `messageBytesMax` and its end is lost (MSG_TRUNC). */
  wasTooLong(i: number): boolean {
    return (this.#flags(i) & MSG_TRUNC) !== 0
  }

  #flags(i: number): number {
    return this.#view.getInt32(i * HEADER_BYTES + HEADER_FLAGS, true)
  }

  #setByteCount(i: number, byteCount: number): void {
    this.#view.setBigUint64(this.capacity * HEADER_BYTES + i * IOV_BYTES + 8, BigInt(byteCount), true)
  }

  /** Sets the pointers of message `i`, which are constant. */
  #pointAt(i: number, iov: number): void {
    const base = BigInt(this.#region.address)
    const header = i * HEADER_BYTES
    this.#view.setBigUint64(header + HEADER_IOV, base + BigInt(iov), true)
    this.#view.setBigUint64(header + HEADER_IOV_COUNT, 1n, true)
    this.#view.setBigUint64(
      header + HEADER_CONTROL,
      base + BigInt(this.#controlAt + i * CONTROL_STRIDE),
      true,
    )
    this.#view.setBigUint64(iov, base + BigInt(this.offsetOf(i)), true)
  }
}
