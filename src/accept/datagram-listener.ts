import type { Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { type DatagramCalls, socketAddressBytes } from '../kernel/datagrams.js'
import { EAGAIN, EINTR, errorText } from '../kernel/errno.js'
import { mapPrivate } from '../kernel/memory.js'
import type { Region } from '../kernel/region.js'
import { SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { applyOptions, type SocketOptions } from '../kernel/socket-options.js'
import { add, COUNT } from '../observe/counters.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { WARNING } from '../observe/severity.js'
import { DATAGRAM_BYTES_MAX } from '../wire/child-message.js'
import { type ListeningContext, ListeningSocket } from './listening-socket.js'

/** More than a receive buffer of the usual size (net.core.rmem_default) holds. */
const QUEUE_MAX = 1024

const NO_SOCKET = -1

/** Where datagrams are received into, one after the other: shared by all listeners of a reactor. */
export class DatagramMemory {
  readonly block = mapPrivate(DATAGRAM_BYTES_MAX)
  readonly peer = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly local = mapPrivate(SOCKADDR_BYTES_MAX)
}

/** What listeners of datagrams of one reactor share. */
export interface DatagramContext extends ListeningContext {
  readonly datagrams: DatagramCalls
  readonly memory: DatagramMemory
  /** May this sender come in? If not, that is counted and logged. */
  admits(peer: Region, listenerSlot: number): boolean
  describePeer(peer: Uint8Array): string
  /** `fd`: bound to `local` and connected to `peer`, the receiver's from here on, as `bytes` are. */
  deliverDatagram(fd: Fd, listenerSlot: number, peer: Region, local: Region, bytes: Uint8Array): void
}

interface Datagram {
  readonly peer: Uint8Array
  readonly bytes: Uint8Array
  readonly byteCount: number
}

/**
 * A socket of UDP that clients send to. Each datagram goes on with a socket of its client's own, to which the kernel
 * delivers what the client sends next.
 */
export class DatagramListener extends ListeningSocket {
  readonly #context: DatagramContext
  readonly #options: SocketOptions
  /** Where this socket is bound. */
  readonly #address: Uint8Array
  /** Opened before a datagram is received, which is lost should there be no descriptor for it. */
  #spare: Fd = NO_SOCKET
  readonly #cuts: RateLimitedLog
  readonly #failures: RateLimitedLog

  constructor(context: DatagramContext, slot: number, name: string, fd: Fd, options: SocketOptions) {
    super(context, slot, name, fd)
    this.#context = context
    this.#options = options
    this.#cuts = new RateLimitedLog(WARNING, context.log)
    this.#failures = new RateLimitedLog(WARNING, context.log)
    const { local } = context.memory
    local.bytes.fill(0)
    context.system.calls.localAddress(fd, local)
    this.#address = local.bytes.slice()
  }

  /** Its queue is the receive buffer, which stays as it is. */
  shrinkQueue(): void {}

  restoreQueue(): void {}

  override onReady(): void {
    super.onReady()
    this.#closeSpare()
  }

  protected takeQueue(): void {
    for (let taken = 0; taken < QUEUE_MAX && this.#context.hasRoom(); taken++) {
      if (!this.takeOne()) break
    }
    this.#closeSpare()
  }

  protected takeOne(overload?: 'close' | 'reset'): boolean {
    const { counters, memory } = this.#context
    if (overload === undefined && !this.#openSpare()) return false
    memory.local.bytes.set(this.#address)
    const byteCount = this.#receive(this.fd)
    if (byteCount < 0) {
      if (byteCount !== -EAGAIN && byteCount !== -EINTR) this.beginShortage(-byteCount)
      return byteCount === -EINTR
    }
    if (overload === undefined) this.#takeWithStrays(byteCount)
    else add(counters, COUNT.turnedAway, 1)
    return true
  }

  /** Length of the next datagram of a socket. Its addresses and bytes are in the memory. */
  #receive(fd: Fd): Outcome {
    const { datagrams, memory } = this.#context
    return datagrams.receive(fd, memory.block, DATAGRAM_BYTES_MAX, memory.peer, memory.local)
  }

  /** Takes the datagram in the memory, and after it those of others that sockets for clients have received. */
  #takeWithStrays(first: number): void {
    const { block, peer } = this.#context.memory
    const strays: Datagram[] = []
    this.#take(first, strays)
    for (let stray = strays.shift(); stray !== undefined; stray = strays.shift()) {
      peer.bytes.set(stray.peer)
      block.bytes.set(stray.bytes)
      // Without a descriptor they are lost, as in a receive buffer that is full.
      if (!this.#openSpare()) return
      // `local` holds for them too: they have come to a socket that is bound to it.
      this.#take(stray.byteCount, strays)
    }
  }

  #take(byteCount: number, strays: Datagram[]): void {
    const { memory, system } = this.#context
    // As with the original, an empty datagram is no client.
    if (byteCount === 0 || !this.#context.admits(memory.peer, this.slot)) return
    const stray = this.#copy(byteCount)
    if (byteCount > DATAGRAM_BYTES_MAX) this.#logCut(byteCount)
    const fd = this.#connect()
    if (fd < 0) return
    if (!this.#collectStrays(fd, strays)) {
      system.calls.close(fd)
      return
    }
    memory.peer.bytes.set(stray.peer)
    this.#context.deliverDatagram(fd, this.slot, memory.peer, memory.local, stray.bytes)
  }

  #copy(byteCount: number): Datagram {
    const { block, peer } = this.#context.memory
    const bytes = block.bytes.slice(0, Math.min(byteCount, DATAGRAM_BYTES_MAX))
    return { peer: peer.bytes.slice(), bytes, byteCount }
  }

  /** The spare socket, bound to where the datagram came to and connected to its sender; or a negated errno. */
  #connect(): Outcome {
    const { calls } = this.#context.system
    const { local, peer } = this.#context.memory
    const fd = this.#spare
    this.#spare = NO_SOCKET
    const outcome = this.#bind(fd, local)
    const connected = outcome < 0 ? outcome : calls.connect(fd, peer, socketAddressBytes(peer.bytes))
    if (connected >= 0) return fd
    calls.close(fd)
    this.#logFailure(-connected)
    return connected
  }

  /**
   * Several sockets of one address need SO_REUSEADDR on all of them. The listener has it only meanwhile: with it any
   * local user could bind the same port and receive what is sent to it (socket(7)).
   */
  #bind(fd: Fd, local: Region): Outcome {
    const { calls } = this.#context.system
    const family = local.bytes[0] as number
    calls.setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1)
    if (family === c.AF_INET6) calls.setOption(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 0)
    const outcome = applyOptions(calls, fd, family, this.#options)
    if (outcome < 0) return outcome
    calls.setOption(this.fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1)
    const bound = calls.bind(fd, local, socketAddressBytes(local.bytes))
    calls.setOption(this.fd, c.SOL_SOCKET, c.SO_REUSEADDR, 0)
    return bound
  }

  /**
   * Between bind and connect the socket receives from everybody, and a datagram of another client must not pass for
   * one of this client. False when there is no end of them, which is a flood of this client's own or of others.
   */
  #collectStrays(fd: Fd, strays: Datagram[]): boolean {
    for (let i = 0; i < QUEUE_MAX; i++) {
      const byteCount = this.#receive(fd)
      if (byteCount === -EAGAIN) return true
      // Errors are those that ICMP has brought.
      if (byteCount >= 0) strays.push(this.#copy(byteCount))
    }
    return false
  }

  /** False when there is no descriptor: datagrams wait in the kernel. */
  #openSpare(): boolean {
    if (this.#spare !== NO_SOCKET) return true
    const fd = this.#context.datagrams.socket(this.#address[0] as number)
    if (fd < 0) {
      this.beginShortage(-fd)
      return false
    }
    this.endShortage()
    this.#spare = fd
    return true
  }

  #closeSpare(): void {
    if (this.#spare === NO_SOCKET) return
    this.#context.system.calls.close(this.#spare)
    this.#spare = NO_SOCKET
  }

  #logCut(byteCount: number): void {
    const { describePeer, loop, memory } = this.#context
    this.#cuts.log(loop.nowMs, () => {
      const what = `a datagram of ${byteCount} bytes from ${describePeer(memory.peer.bytes)}`
      return `${this.name}: ${what} was cut to ${DATAGRAM_BYTES_MAX} bytes`
    })
  }

  #logFailure(errno: number): void {
    const { describePeer, loop, memory } = this.#context
    this.#failures.log(loop.nowMs, () => {
      const whose = `a datagram from ${describePeer(memory.peer.bytes)}`
      return `${this.name}: ${whose} was dropped: no socket can be connected to its sender: ${errorText(errno)}`
    })
  }
}
