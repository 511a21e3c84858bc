/** A UDP socket connected to one mavisd. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import { errorText } from '../kernel/errno.js'
import type { DatagramSocket, DatagramSocketEvents } from './datagram-socket.js'

/**
 * Holds some thousand answers while this thread is busy; the kernel's default drops answers beyond about 200. Limited by
 * net.core.rmem_max.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

export interface UdpTarget {
  /** An address literal, or a name that is resolved whenever the socket is opened. */
  readonly host: string
  readonly port: number
}

/**
 * Connected, so that the kernel drops datagrams of other senders and reports ECONNREFUSED when the server's port is
 * closed.
 */
export class UdpSocket implements DatagramSocket {
  readonly #target: UdpTarget
  readonly #localAddress: string | undefined
  readonly #events: DatagramSocketEvents
  /** Datagrams that wait for the socket to be connected. */
  readonly #unsent = new Set<Uint8Array>()
  #socket: Socket | undefined
  #isConnected = false
  /** Incremented by each open and close, to ignore the result of an outdated name lookup. */
  #era = 0
  /** A name lookup, bind or connect is in progress. */
  #isOpening = false

  /** `localAddress` applies to servers of the same address family. */
  constructor(target: UdpTarget, localAddress: string | undefined, events: DatagramSocketEvents) {
    this.#target = target
    this.#localAddress = localAddress
    this.#events = events
  }

  send(datagram: Uint8Array): void {
    if (this.#socket !== undefined && this.#isConnected) {
      this.#transmit(this.#socket, datagram)
      return
    }
    this.#unsent.add(datagram)
    if (!this.#isOpening) this.#open()
  }

  forget(datagram: Uint8Array): void {
    this.#unsent.delete(datagram)
  }

  async close(): Promise<void> {
    const socket = this.#socket
    this.#socket = undefined
    this.#isConnected = false
    this.#isOpening = false
    this.#era++
    this.#unsent.clear()
    if (socket === undefined) return
    await new Promise<void>((settle) => {
      socket.once('close', settle)
      socket.close()
    })
  }

  #open(): void {
    const { host } = this.#target
    const era = ++this.#era
    this.#isOpening = true
    const family = isIP(host)
    if (family !== 0) {
      this.#bind(host, family)
      return
    }
    // getaddrinfo(3) in libuv's thread pool: does not block this thread.
    lookup(host, (error, address, found) => {
      if (era !== this.#era) return
      if (error === null) this.#bind(address, found)
      else this.#fail(`cannot resolve '${host}': ${error.code ?? error.message}`)
    })
  }

  #bind(address: string, family: number): void {
    const type = family === 6 ? 'udp6' : 'udp4'
    const socket = createSocket({ type, recvBufferSize: RECEIVE_BUFFER_BYTES })
    this.#socket = socket
    socket.on('error', (error) => this.#failed(socket, error))
    socket.on('connect', () => this.#connected(socket))
    const local = this.#localAddress
    const from = local !== undefined && isIP(local) === family ? { address: local } : {}
    // `exclusive`: not shared with workers of Node's cluster module.
    socket.bind({ port: 0, exclusive: true, ...from }, () => {
      // It may have been closed meanwhile.
      if (this.#socket === socket) socket.connect(this.#target.port, address)
    })
  }

  #connected(socket: Socket): void {
    if (this.#socket !== socket) return
    const peer = socket.remoteAddress()
    socket.on('message', (bytes, from) => {
      // Datagrams of other senders may have been queued between bind and connect.
      if (this.#socket === socket && isSame(peer, from)) this.#events.onDatagram(bytes)
    })
    this.#isOpening = false
    this.#isConnected = true
    for (const datagram of this.#unsent) this.#transmit(socket, datagram)
    this.#unsent.clear()
  }

  #transmit(socket: Socket, datagram: Uint8Array): void {
    socket.send(datagram, (error) => {
      if (error !== null) this.#failed(socket, error)
    })
  }

  /** A connected socket remains usable after an error. */
  #failed(socket: Socket, error: NodeJS.ErrnoException): void {
    if (this.#socket !== socket) closeAgain(socket)
    else if (this.#isConnected) this.#events.onError(textOf(error))
    else this.#fail(textOf(error))
  }

  #fail(why: string): void {
    // The next datagram opens a new socket and resolves the name again.
    this.close()
    this.#events.onError(why)
  }
}

function isSame(one: { address: string; port: number }, other: RemoteInfo): boolean {
  return one.port === other.port && one.address === other.address
}

/** Node never executes a close() that was deferred until bind() completes, if bind() fails. */
function closeAgain(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // Already closed.
  }
}

function textOf({ errno, message }: NodeJS.ErrnoException): string {
  return errno === undefined ? message : errorText(-errno)
}
