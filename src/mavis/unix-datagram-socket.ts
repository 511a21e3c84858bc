/** A Unix datagram socket connected to one mavisd, polled by timers. */
import { randomBytes } from 'node:crypto'
import type { Calls, Fd } from '../kernel/calls.js'
import { AF_UNIX, SOCK_DGRAM } from '../kernel/constants.js'
import { EADDRINUSE, EAGAIN, ENOBUFS, errorText } from '../kernel/errno.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { mapPrivate, type Region } from '../kernel/memory.js'
import { encodeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import type { DatagramSocket, DatagramSocketEvents } from './datagram-socket.js'

/** The limit of UDP datagrams. */
const DATAGRAM_BYTES_MAX = 65_536

/**
 * Interval between polls for answers, which backs off between these bounds. Node cannot wait for a Unix datagram socket:
 * `net` has only streams, and `dgram` refuses such descriptors. A local server usually answers within the first interval.
 */
const POLL_INTERVAL_MS_MIN = 1
const POLL_INTERVAL_MS_MAX = 8

/** Keeps a server that sends without end from blocking this thread; normally far fewer arrive between two polls. */
const DATAGRAMS_PER_POLL = 64

/** The whole of sun_path (unix(7)). */
const NAME_BYTES = 108

/** Names to try on EADDRINUSE. They are random with 64 bits, so the first one is practically always free. */
const NAME_TRIES = 3

/** Native memory for system calls; used within one call only, so all sockets of the thread share it. */
interface Native {
  readonly calls: Calls
  readonly address: Region
  readonly datagram: Region
}

/** Mapped when the first socket is used, and never freed. */
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
 * Connected, so that only the server can send to it, and bound, so that the server has an address for its answer. The
 * name is abstract: it leaves no file, and exists in one network namespace only. It is padded with NUL to the whole of
 * sun_path, because the classic mavisd answers to all 110 bytes of struct sockaddr_un and ignores the length that
 * recvfrom(2) returned: a shorter name, such as one of the kernel's autobind, would be another address.
 */
export class UnixDatagramSocket implements DatagramSocket {
  readonly #target: Uint8Array
  readonly #events: DatagramSocketEvents
  readonly #unsent = new Set<Uint8Array>()
  /** -1: closed. */
  #fd = -1
  /** Datagrams sent, less those received. */
  #unansweredCount = 0
  #pollIntervalMs = POLL_INTERVAL_MS_MIN
  /** Polls at the end of this turn, for datagrams that were sent during it. */
  #soon: NodeJS.Immediate | undefined
  /** Polls while answers are expected. */
  #later: NodeJS.Timeout | undefined

  /** Throws RangeError for a path that is too long for a socket. */
  constructor(path: string, events: DatagramSocketEvents) {
    this.#target = encodeAddress({ family: 'unix', path })
    this.#events = events
  }

  send(datagram: Uint8Array): void {
    this.#unsent.add(datagram)
    this.#pollIntervalMs = POLL_INTERVAL_MS_MIN
    this.#soon ??= setImmediate(() => this.#poll())
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

  #poll(): void {
    clearTimeout(this.#later)
    this.#soon = undefined
    this.#later = undefined
    this.#sendAll()
    this.#receiveAll()
    if (this.#unsent.size > 0 || (this.#fd >= 0 && this.#events.isAnswerPending())) this.#pollLater()
    // Late answers would fill this socket's queue unread and block the server's send(2).
    else if (this.#unansweredCount > 0) this.#closeSocket()
  }

  #pollLater(): void {
    if (this.#soon !== undefined) return
    this.#later = setTimeout(() => this.#poll(), this.#pollIntervalMs)
    this.#pollIntervalMs = Math.min(this.#pollIntervalMs * 2, POLL_INTERVAL_MS_MAX)
  }

  /** Datagrams that the server's queue has no room for are sent at the next poll. */
  #sendAll(): void {
    for (const datagram of this.#unsent) {
      let outcome = this.#trySend(datagram)
      if (isFull(outcome)) return
      // A restarted server has a new socket behind the same path: connect again.
      if (outcome < 0) outcome = this.#trySend(datagram)
      if (isFull(outcome)) return
      if (outcome < 0) {
        this.#unsent.clear()
        this.#events.onError(errorText(-outcome))
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
    // ECONNREFUSED: nobody listens any more, or another process does.
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
    for (let i = 0; i < DATAGRAMS_PER_POLL && this.#fd >= 0; i++) {
      const byteCount = calls.recv(this.#fd, datagram, 0, DATAGRAM_BYTES_MAX)
      // EAGAIN, or an error that the next send reports.
      if (byteCount < 0) return
      this.#pollIntervalMs = POLL_INTERVAL_MS_MIN
      this.#unansweredCount = Math.max(0, this.#unansweredCount - 1)
      this.#events.onDatagram(datagram.bytes.slice(0, byteCount))
    }
  }

  #closeSocket(): void {
    if (this.#fd >= 0) native().calls.close(this.#fd)
    this.#fd = -1
    this.#unansweredCount = 0
  }
}

/** Binds to a random name: another process could occupy a predictable one. */
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
