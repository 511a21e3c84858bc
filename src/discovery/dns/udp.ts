/** DNS over UDP. */
import { createSocket, type Socket } from 'node:dgram'
import type { HostAddress } from '../../base/address.js'
import { errorReason } from '../error-reason.js'
import { DnsFailure } from './dns-failure.js'
import { type ExchangeLimits, exchange, type Settle, type Transport } from './exchange.js'
import { type DnsResponse, decodeResponse, encodeQuery, type Query } from './message.js'
import { hostOf } from './servers.js'

export function askOverUdp(server: HostAddress, query: Query, limits: ExchangeLimits): Promise<DnsResponse> {
  return exchange(limits, (settle) => new UdpExchange(server, query, settle))
}

class UdpExchange implements Transport {
  readonly #query: Query
  readonly #settle: Settle
  /** A socket for each query: the kernel chooses a random port. Connected, so that datagrams of others are dropped. */
  readonly #socket: Socket
  #ignored = ''

  constructor(server: HostAddress, query: Query, settle: Settle) {
    this.#query = query
    this.#settle = settle
    this.#socket = createSocket(server.family === 'ipv4' ? 'udp4' : 'udp6')
    this.#socket.on('error', (error) => settle.fail(errorReason(error)))
    this.#socket.on('message', (bytes) => this.#onMessage(bytes))
    // Not as the callback of `connect`, which would get its errors.
    this.#socket.on('connect', () => this.#socket.send(encodeQuery(query)))
    this.#socket.connect(server.port, hostOf(server))
  }

  get ignored(): string {
    return this.#ignored
  }

  close(): void {
    // It may be on its way, and a closed socket cannot send.
    this.#socket.removeAllListeners('connect')
    this.#socket.close()
  }

  /** What does not answer the query may be forged: the answer can still come. */
  #onMessage(bytes: Buffer): void {
    try {
      this.#settle.succeed(decodeResponse(this.#query, bytes))
    } catch (error) {
      if (error instanceof DnsFailure) this.#ignored = error.message
      else this.#settle.reject(error)
    }
  }
}
