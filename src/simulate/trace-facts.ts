/** The facts of a client for routing, as far as an access log has them. */
import type { RouteCertificate, RouteFacts } from '../admission/route-facts.js'
import { hashAddress } from '../balance/hash.js'
import { clientServerName } from '../base/server-name.js'
import type { Trace } from './trace.js'
import type { TraceListener } from './trace-listeners.js'

/** The version in the log of TLS that was passed through: the versions that the client offered are not known. */
const PASSED = 'passed'

/** One record for all connections of a trace, valid until the next `of`. */
export class TraceFacts implements RouteFacts {
  listenerSlot = 0
  localPort = 0
  realm = ''
  address: Uint8Array
  addressAt = 0
  addressByteCount = 0
  readonly #trace: Trace
  #connection = 0

  constructor(trace: Trace) {
    this.#trace = trace
    this.address = trace.clients.bytes
  }

  of(connection: number, listener: TraceListener): TraceFacts {
    const { clients } = this.#trace
    const client = this.#trace.client[connection] as number
    this.#connection = connection
    this.listenerSlot = listener.slot
    this.localPort = listener.port
    this.realm = listener.realm
    this.address = clients.bytes
    this.addressAt = clients.addressAt(client)
    this.addressByteCount = clients.byteCountOf(client)
    return this
  }

  addressHash(): number {
    return hashAddress(this.address, this.addressAt, this.addressByteCount)
  }

  serverName(): string {
    return clientServerName(this.#word(this.#trace.serverName))
  }

  alpn(): readonly string[] {
    const names = this.#word(this.#trace.alpn)
    return names === '' ? [] : names.split(',')
  }

  tlsVersion(): string {
    const version = this.#word(this.#trace.tlsVersion)
    return version === PASSED ? '' : version
  }

  // Facts that are not in the log: see `RouteGaps`.

  protocol(): string {
    return ''
  }

  certificate(): RouteCertificate | undefined {
    return undefined
  }

  user(): string {
    return ''
  }

  #word(column: Int32Array): string {
    return this.#trace.words.text(column[this.#connection] as number)
  }
}
