/** DNS over TCP, for responses that do not fit a datagram: a connection for each query. */
import { connect, type Socket } from 'node:net'
import type { HostAddress } from '../../base/address.js'
import { errorReason } from '../error-reason.js'
import { DnsFailure } from './dns-failure.js'
import { type ExchangeLimits, exchange, type Settle, type Transport } from './exchange.js'
import { type DnsResponse, decodeResponse, encodeQuery, type Query } from './message.js'
import { hostOf } from './servers.js'

/** Precedes each message. */
const LENGTH_BYTES = 2

export function askOverTcp(server: HostAddress, query: Query, limits: ExchangeLimits): Promise<DnsResponse> {
  return exchange(limits, (settle) => new TcpExchange(server, query, settle))
}

class TcpExchange implements Transport {
  readonly ignored = ''
  readonly #query: Query
  readonly #settle: Settle
  readonly #socket: Socket
  /** At most a message of 64 KiB, and what has been read with its last bytes. */
  #received: Buffer = Buffer.alloc(0)

  constructor(server: HostAddress, query: Query, settle: Settle) {
    this.#query = query
    this.#settle = settle
    this.#socket = connect({ host: hostOf(server), port: server.port })
    this.#socket.on('error', (error) => settle.fail(errorReason(error)))
    this.#socket.on('data', (bytes) => this.#onData(bytes))
    this.#socket.on('close', () => settle.fail('connection closed before the answer'))
    const message = encodeQuery(query)
    const length = Buffer.alloc(LENGTH_BYTES)
    length.writeUInt16BE(message.length)
    this.#socket.write(Buffer.concat([length, message]))
  }

  close(): void {
    this.#socket.destroy()
  }

  #onData(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes])
    if (this.#received.length < LENGTH_BYTES) return
    const end = LENGTH_BYTES + this.#received.readUInt16BE(0)
    if (this.#received.length >= end) this.#onMessage(this.#received.subarray(LENGTH_BYTES, end))
  }

  /** Bytes on a connection are not forged. */
  #onMessage(message: Buffer): void {
    try {
      const response = decodeResponse(this.#query, message)
      if (response.isTruncated) this.#settle.fail('a truncated response over TCP')
      else this.#settle.succeed(response)
    } catch (error) {
      if (error instanceof DnsFailure) this.#settle.fail(`${error.message} over TCP`)
      else this.#settle.reject(error)
    }
  }
}
