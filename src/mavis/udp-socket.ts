import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import { errorText } from '../kernel/errno.js'
import type { DatagramSocket, DatagramSocketEvents } from './datagram-socket.js'

/**
 * Room for some thousand answers that come while this thread is busy: with the kernel's default 200 at once get lost.
 * The kernel takes less where net.core.rmem_max says so.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

export interface UdpTarget {
  /** A literal, or a name, which is looked up whenever the socket is opened. */
  readonly host: string
  readonly port: number
}

/**
 * Its socket is connected: so the kernel drops what anybody but the server sends to it, and tells at once when nobody
 * listens there.
 */
export class UdpSocket implements DatagramSocket {
  readonly #target: UdpTarget
  readonly #localAddress: string | undefined
  readonly #listener: DatagramSocketEvents
  readonly #unsent = new Set<Uint8Array>()
  #socket: Socket | undefined
  #isConnected = false
  /** Counted up by each opening and each closing: a name that is found later is not waited for any more. */
  #era = 0
  #isOpening = false

  /** `localAddress` is used for servers of its own family. */
  constructor(target: UdpTarget, localAddress: string | undefined, listener: DatagramSocketEvents) {
    this.#target = target
    this.#localAddress = localAddress
    this.#listener = listener
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
    lookup(host, (error, address, found) => {
      if (era !== this.#era) return
      if (error === null) this.#bind(address, found)
      else this.#fail(`${host} is not found`)
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
    socket.bind({ port: 0, exclusive: true, ...from }, () => {
      if (this.#socket === socket) socket.connect(this.#target.port, address)
    })
  }

  #connected(socket: Socket): void {
    if (this.#socket !== socket) return
    const peer = socket.remoteAddress()
    socket.on('message', (bytes, from) => {
      // What somebody else sent before the socket was connected is still there.
      if (this.#socket === socket && isSame(peer, from)) this.#listener.onDatagram(bytes)
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

  /** A socket that was connected stays good. */
  #failed(socket: Socket, error: NodeJS.ErrnoException): void {
    if (this.#socket !== socket) closeAgain(socket)
    else if (this.#isConnected) this.#listener.onError(textOf(error))
    else this.#fail(textOf(error))
  }

  #fail(why: string): void {
    this.close()
    this.#listener.onError(why)
  }
}

function isSame(one: { address: string; port: number }, other: RemoteInfo): boolean {
  return one.port === other.port && one.address === other.address
}

/** A close that waited for the end of bind is forgotten by Node when bind fails. */
function closeAgain(socket: Socket): void {
  try {
    socket.close()
  } catch {
    // It is closed.
  }
}

function textOf({ errno, message }: NodeJS.ErrnoException): string {
  return errno === undefined ? message : errorText(-errno)
}
