import { randomBytes } from 'node:crypto'
import type { Calls, Fd } from '../kernel/calls.js'
import { AF_UNIX, SOCK_DGRAM } from '../kernel/constants.js'
import { EADDRINUSE, EAGAIN, ENOBUFS, errorText } from '../kernel/errno.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { mapPrivate, type Region } from '../kernel/memory.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import type { DatagramSocket, DatagramSocketEvents } from './datagram-socket.js'

/** As long as one over UDP could be. */
const DATAGRAM_BYTES_MAX = 65_536

/**
 * Between two looks for answers. Node cannot wait for datagrams of Unix sockets: it has only streams of them, and its
 * `dgram` refuses their descriptors. A server on the same machine mostly answers within the first.
 */
const LOOK_EVERY_MS_MIN = 1
const LOOK_EVERY_MS_MAX = 8

/** So that a server that never stops does not keep this thread. Between two looks fewer come. */
const DATAGRAMS_PER_LOOK = 64

/** Fills sun_path (unix(7)). */
const NAME_BYTES = 108

/** Names tried when another socket has the one that was drawn: random ones of 64 bits, so a second is never needed. */
const NAME_TRIES = 3

/** What system calls need in native memory; used within one call, so one for all links of the thread will do. */
interface Native {
  readonly calls: Calls
  readonly address: Region
  readonly datagram: Region
}

let opened: Native | undefined

function native(): Native {
  opened ??= {
    calls: linuxCalls(),
    address: mapPrivate(SOCKADDR_BYTES_MAX),
    datagram: mapPrivate(DATAGRAM_BYTES_MAX),
  }
  return opened
}

/**
 * A datagram socket to one server. It is connected, so nobody but the server can send to it, and bound, so that the
 * server has an address for its answer. The name is abstract: it leaves no file behind, and exists in one network
 * namespace only. It is padded with NUL to the whole of sun_path, because the classic mavisd answers to all 110 bytes
 * of struct sockaddr_un, whatever length recvfrom(2) told it: a shorter name, such as the five bytes of the kernel's
 * autobind, would be another address.
 */
export class UnixDatagramSocket implements DatagramSocket {
  readonly #target: Uint8Array
  readonly #listener: DatagramSocketEvents
  readonly #unsent = new Set<Uint8Array>()
  #fd = -1
  /** Datagrams that the socket has sent, without those that came back. */
  #unansweredCount = 0
  #lookEveryMs = LOOK_EVERY_MS_MIN
  #soon: NodeJS.Immediate | undefined
  #later: NodeJS.Timeout | undefined

  /** Throws RangeError for a path that no socket can have. */
  constructor(path: string, listener: DatagramSocketEvents) {
    this.#target = encodeAddress({ family: 'unix', path })
    this.#listener = listener
  }

  send(datagram: Uint8Array): void {
    this.#unsent.add(datagram)
    this.#lookEveryMs = LOOK_EVERY_MS_MIN
    this.#soon ??= setImmediate(() => this.#look())
  }

  forget(datagram: Uint8Array): void {
    this.#unsent.delete(datagram)
  }

  async close(): Promise<void> {
    clearImmediate(this.#soon)
    clearTimeout(this.#later)
    this.#soon = undefined
    this.#later = undefined
    this.#unsent.clear()
    this.#closeSocket()
  }

  #look(): void {
    clearTimeout(this.#later)
    this.#soon = undefined
    this.#later = undefined
    this.#sendAll()
    this.#receiveAll()
    if (this.#unsent.size > 0 || (this.#fd >= 0 && this.#listener.isAnswerPending())) this.#lookLater()
    // A server that blocks must not wait until somebody reads what fills its send buffer.
    else if (this.#unansweredCount > 0) this.#closeSocket()
  }

  #lookLater(): void {
    if (this.#soon !== undefined) return
    this.#later = setTimeout(() => this.#look(), this.#lookEveryMs)
    this.#lookEveryMs = Math.min(this.#lookEveryMs * 2, LOOK_EVERY_MS_MAX)
  }

  /** What the server's queue has no room for is sent at the next look. */
  #sendAll(): void {
    for (const datagram of this.#unsent) {
      let outcome = this.#trySend(datagram)
      if (isFull(outcome)) return
      // A server that was restarted leaves a socket that refuses; another one finds it.
      if (outcome < 0) outcome = this.#trySend(datagram)
      if (isFull(outcome)) return
      if (outcome < 0) {
        this.#unsent.clear()
        this.#listener.onError(errorText(-outcome))
        return
      }
      this.#unsent.delete(datagram)
      this.#unansweredCount++
    }
  }

  #trySend(datagram: Uint8Array): number {
    const opening = this.#fd >= 0 ? 0 : this.#open()
    if (opening < 0) return opening
    const { calls, datagram: region } = native()
    region.bytes.set(datagram)
    const outcome = calls.send(this.#fd, region, 0, datagram.length)
    if (outcome < 0 && !isFull(outcome)) this.#closeSocket()
    return outcome
  }

  #open(): number {
    const { calls } = native()
    const fd = calls.socket(AF_UNIX, SOCK_DGRAM, 0)
    if (fd < 0) return fd
    const bound = bindToUnusedName(calls, fd)
    const outcome =
      bound < 0
        ? bound
        : withAddress(this.#target, (address, byteCount) => calls.connect(fd, address, byteCount))
    if (outcome < 0) calls.close(fd)
    else this.#fd = fd
    return outcome
  }

  #receiveAll(): void {
    const { calls, datagram } = native()
    for (let i = 0; i < DATAGRAMS_PER_LOOK && this.#fd >= 0; i++) {
      const byteCount = calls.recv(this.#fd, datagram, 0, DATAGRAM_BYTES_MAX)
      if (byteCount < 0) return
      this.#lookEveryMs = LOOK_EVERY_MS_MIN
      this.#unansweredCount = Math.max(0, this.#unansweredCount - 1)
      this.#listener.onDatagram(datagram.bytes.slice(0, byteCount))
    }
  }

  #closeSocket(): void {
    if (this.#fd >= 0) native().calls.close(this.#fd)
    this.#fd = -1
    this.#unansweredCount = 0
  }
}

/** A name that nobody can guess: whoever has it first would keep this socket from being bound. */
function bindToUnusedName(calls: Calls, fd: Fd): number {
  let outcome = -EADDRINUSE
  for (let tries = 0; tries < NAME_TRIES && outcome === -EADDRINUSE; tries++) {
    const path = `\0tcprelay-mavis-${randomBytes(8).toString('hex')}`.padEnd(NAME_BYTES, '\0')
    outcome = withAddress(encodeAddress({ family: 'unix', path }), (address, byteCount) => {
      return calls.bind(fd, address, byteCount)
    })
  }
  return outcome
}

function withAddress(bytes: Uint8Array, call: (address: Region, byteCount: number) => number): number {
  const { address } = native()
  address.bytes.set(bytes)
  return call(address, bytes.length)
}

function isFull(outcome: number): boolean {
  return outcome === -EAGAIN || outcome === -ENOBUFS
}
