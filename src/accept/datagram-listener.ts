/** Listeners of UDP: receive datagrams and open a connected socket for each client. */
import type { Fd, Outcome } from '../kernel/calls.js'
import * as c from '../kernel/constants.js'
import { type DatagramCalls, socketAddressBytes } from '../kernel/datagrams.js'
import { EAGAIN, EINTR, errorText } from '../kernel/errno.js'
import { mapPrivate } from '../kernel/memory.js'
import type { Region } from '../kernel/region.js'
import { SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import { applyOptions, type SocketOptions } from '../kernel/socket-options.js'
import { add, COUNT, LISTENER_COUNT } from '../observe/counters.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { WARNING } from '../observe/severity.js'
import type { TurnTaker } from '../reactor/loop.js'
import { DATAGRAM_BYTES_MAX } from '../wire/child-message.js'
import type { Closing } from './connection-limit.js'
import { type ListeningContext, ListeningSocket } from './listening-socket.js'

/** Datagrams per turn at most: more than a receive buffer of the default size (net.core.rmem_default) holds. */
const QUEUE_MAX = 1024

const NO_SOCKET = -1

/** The receive buffer for one datagram and its addresses, shared by all listeners of a reactor. */
export class DatagramMemory {
  readonly block = mapPrivate(DATAGRAM_BYTES_MAX)
  readonly peer = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly local = mapPrivate(SOCKADDR_BYTES_MAX)
}

/** What the datagram listeners of one reactor share. */
export interface DatagramContext extends ListeningContext {
  readonly datagrams: DatagramCalls
  readonly memory: DatagramMemory
  /** Whether the access lists admit this sender; a rejection is counted and logged. */
  admits(peer: Region, listenerSlot: number): boolean
  describePeer(peer: Uint8Array): string
  /** `fd` is bound to `local` and connected to `peer`. It and `bytes` belong to the receiver from here on. */
  deliverDatagram(fd: Fd, listenerSlot: number, peer: Region, local: Region, bytes: Uint8Array): void
}

interface Datagram {
  readonly peer: Uint8Array
  readonly bytes: Uint8Array
  readonly byteCount: number
}

/** A datagram, and the socket that is connected to its sender and bound to `local`. */
interface Connected {
  readonly fd: Fd
  readonly datagram: Datagram
  readonly local: Uint8Array
}

/**
 * A UDP socket that clients send to. Each datagram is delivered with a socket connected to its sender, on which the
 * kernel queues the client's further datagrams.
 *
 * Between bind(2) and connect(2) that socket receives from every sender. Such stray datagrams are taken out after
 * connect(2), and again a turn later: another processor may have chosen the socket before connect(2) and queue its
 * datagram afterwards. Delivered to the child they would be attributed to the wrong client. Clients that wait for
 * that turn are not counted by `hasRoom()`: those beyond the limit wait in the dispatcher.
 */
export class DatagramListener extends ListeningSocket implements TurnTaker {
  isQueued = false
  /** Children of another program do not report whose clients have ended. */
  readonly hasPlace = true
  readonly #context: DatagramContext
  readonly #options: SocketOptions
  /** The address that this socket is bound to. */
  readonly #address: Uint8Array
  /** Socket for the next client, opened before the datagram is received: without a descriptor it would be lost. */
  #spare: Fd = NO_SOCKET
  /** To be delivered in the next turn. */
  #connected: Connected[] = []
  readonly #truncations: RateLimitedLog
  readonly #failures: RateLimitedLog

  constructor(context: DatagramContext, slot: number, name: string, fd: Fd, options: SocketOptions) {
    super(context, slot, name, fd)
    this.#context = context
    this.#options = options
    this.#truncations = new RateLimitedLog(WARNING, context.log)
    this.#failures = new RateLimitedLog(WARNING, context.log)
    const { local } = context.memory
    local.bytes.fill(0)
    context.system.calls.localAddress(fd, local)
    this.#address = local.bytes.slice()
  }

  /** No-op: the queue is the receive buffer, whose size is not changed. */
  shrinkQueue(): void {}

  restoreQueue(): void {}

  override onReady(): void {
    super.onReady()
    this.#endTurn()
  }

  /** Delivers what the last turn connected. */
  onTurn(): void {
    for (const { datagram, fd, local } of this.#connected.splice(0)) {
      const strays: Datagram[] = []
      this.#context.memory.local.bytes.set(local)
      this.#collectLateStrays(fd, datagram.peer, strays)
      this.#deliver(fd, datagram)
      this.#takeStrays(strays)
    }
    this.#endTurn()
  }

  override detach(): Fd {
    this.#deliverAll()
    return super.detach()
  }

  override close(closing: Closing): void {
    this.#deliverAll()
    super.close(closing)
  }

  protected takeQueue(): void {
    for (let taken = 0; taken < QUEUE_MAX && this.#context.hasRoom(); taken++) {
      if (!this.takeOne()) break
    }
    this.#deliverAll()
  }

  /** Delivers the connected sockets without waiting for a turn: the listener goes. */
  #deliverAll(): void {
    while (this.#connected.length > 0) this.onTurn()
  }

  #endTurn(): void {
    this.#closeSpare()
    if (this.#connected.length > 0) this.#context.loop.soon(this)
  }

  protected takeOne(overload?: 'close' | 'reset'): boolean {
    const { memory } = this.#context
    if (overload === undefined && !this.#openSpare()) return false
    // The kernel reports only the address that the datagram was sent to; the port is the listener's.
    memory.local.bytes.set(this.#address)
    const byteCount = this.#receive(this.fd)
    if (byteCount < 0) {
      if (byteCount !== -EAGAIN && byteCount !== -EINTR) this.beginShortage(-byteCount)
      return byteCount === -EINTR
    }
    if (overload !== undefined) {
      this.#countTurnedAway()
      return true
    }
    const strays: Datagram[] = []
    this.#take(byteCount, strays)
    this.#takeStrays(strays)
    return true
  }

  #countTurnedAway(): void {
    const { counters, listenerCounters } = this.#context
    add(counters, COUNT.turnedAway, 1)
    listenerCounters.add(this.slot, LISTENER_COUNT.turnedAway, 1)
  }

  /** Receives a datagram into `memory`: its length, or a negated errno. */
  #receive(fd: Fd): Outcome {
    const { datagrams, memory } = this.#context
    return datagrams.receive(fd, memory.block, DATAGRAM_BYTES_MAX, memory.peer, memory.local)
  }

  /** Takes each stray datagram, and those that arrive meanwhile. */
  #takeStrays(strays: Datagram[]): void {
    const { block, peer } = this.#context.memory
    for (let stray = strays.shift(); stray !== undefined; stray = strays.shift()) {
      peer.bytes.set(stray.peer)
      block.bytes.set(stray.bytes)
      // Without a descriptor they are dropped, as by a full receive buffer.
      if (!this.#openSpare()) return
      // `local` is right for them too: they arrived at a socket bound to it.
      this.#take(stray.byteCount, strays)
    }
  }

  /** Connects a socket to the sender of the datagram in `memory`; adds the stray datagrams that it received. */
  #take(byteCount: number, strays: Datagram[]): void {
    const { memory, system } = this.#context
    // Empty datagrams are ignored, as by the original.
    if (byteCount === 0 || !this.#context.admits(memory.peer, this.slot)) return
    const datagram = this.#copy(byteCount)
    if (byteCount > DATAGRAM_BYTES_MAX) this.#logTruncation(byteCount)
    const fd = this.#connect()
    if (fd < 0) return
    if (this.#collectStrays(fd, strays))
      this.#connected.push({ fd, datagram, local: memory.local.bytes.slice() })
    else system.calls.close(fd)
  }

  /** `memory.local` is the address of the socket. */
  #deliver(fd: Fd, datagram: Datagram): void {
    const { memory } = this.#context
    memory.peer.bytes.set(datagram.peer)
    this.#context.deliverDatagram(fd, this.slot, memory.peer, memory.local, datagram.bytes)
  }

  #copy(byteCount: number): Datagram {
    const { block, peer } = this.#context.memory
    const bytes = block.bytes.slice(0, Math.min(byteCount, DATAGRAM_BYTES_MAX))
    return { peer: peer.bytes.slice(), bytes, byteCount }
  }

  /** Binds the spare socket to the datagram's destination and connects it to its sender; or a negated errno. */
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
   * Sockets that share an address all need SO_REUSEADDR. The listener has it only during bind(2): otherwise any local
   * user could bind the same port and receive its datagrams (socket(7)).
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

  /** Takes out all datagrams. False after QUEUE_MAX of them: the port is being flooded. */
  #collectStrays(fd: Fd, strays: Datagram[]): boolean {
    for (let i = 0; i < QUEUE_MAX; i++) {
      const byteCount = this.#receive(fd)
      if (byteCount === -EAGAIN) return true
      // Other errors are pending ICMP errors: ignored.
      if (byteCount >= 0) strays.push(this.#copy(byteCount))
    }
    return false
  }

  /** Takes out datagrams up to the first one of the client itself, from which on the queue belongs to the child. */
  #collectLateStrays(fd: Fd, client: Uint8Array, strays: Datagram[]): void {
    const { datagrams, memory } = this.#context
    for (let i = 0; i < QUEUE_MAX; i++) {
      const outcome = datagrams.peekSender(fd, memory.peer)
      if (outcome === -EAGAIN || (outcome >= 0 && isSameAddress(memory.peer.bytes, client))) return
      const byteCount = outcome < 0 ? outcome : this.#receive(fd)
      if (byteCount >= 0) strays.push(this.#copy(byteCount))
    }
  }

  /** False without a free descriptor: datagrams wait in the kernel. */
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

  #logTruncation(byteCount: number): void {
    const { describePeer, loop, memory } = this.#context
    this.#truncations.log(loop.nowMs, () => {
      const what = `datagram of ${byteCount} bytes from ${describePeer(memory.peer.bytes)}`
      return `${this.name}: ${what} truncated to ${DATAGRAM_BYTES_MAX} bytes`
    })
  }

  #logFailure(errno: number): void {
    const { describePeer, loop, memory } = this.#context
    this.#failures.log(loop.nowMs, () => {
      const sender = describePeer(memory.peer.bytes)
      return `${this.name}: dropped datagram from ${sender}: cannot connect a socket to it: ${errorText(errno)}`
    })
  }
}

function isSameAddress(one: Uint8Array, other: Uint8Array): boolean {
  const byteCount = socketAddressBytes(one)
  for (let i = 0; i < byteCount; i++) if (one[i] !== other[i]) return false
  return true
}
