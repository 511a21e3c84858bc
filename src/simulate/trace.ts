/**
 * The connections to simulate, as columns: those of an access log (`trace-parser.ts`) or made up (`generate-trace.ts`).
 */
import { ClientTable } from './client-table.js'
import { integers, largeNumbers } from './growing-column.js'
import { WordTable } from './word-table.js'

/** One connection. The words are numbers in the trace's table, NO_WORD where the log has no such field. */
export interface TraceConnection {
  /** When it was accepted, milliseconds since 1970. */
  startMs: number
  /** How long it waited in the queue of its pool. */
  queuedMs: number
  /** Of its session, without the time in the queue. */
  lengthMs: number
  toRemote: number
  toClient: number
  /** In the trace's table of clients. */
  client: number
  listener: number
  /** The pool and the remote that it got, as the log names them. */
  pool: number
  remote: number
  /** Why it ended. */
  end: number
  tlsVersion: number
  serverName: number
  alpn: number
}

export class Trace {
  readonly clients = new ClientTable()
  readonly words = new WordTable()
  /** Whether it says which remotes the clients got; otherwise it was generated. */
  readonly isLog: boolean
  readonly #startMs = largeNumbers()
  readonly #queuedMs = largeNumbers()
  readonly #lengthMs = largeNumbers()
  readonly #toRemote = largeNumbers()
  readonly #toClient = largeNumbers()
  readonly #client = integers()
  readonly #listener = integers()
  readonly #pool = integers()
  readonly #remote = integers()
  readonly #end = integers()
  readonly #tlsVersion = integers()
  readonly #serverName = integers()
  readonly #alpn = integers()

  constructor(isLog: boolean) {
    this.isLog = isLog
  }

  /** Copies the values; the caller may reuse the record. */
  add(connection: TraceConnection): void {
    this.#startMs.push(connection.startMs)
    this.#queuedMs.push(connection.queuedMs)
    this.#lengthMs.push(connection.lengthMs)
    this.#toRemote.push(connection.toRemote)
    this.#toClient.push(connection.toClient)
    this.#client.push(connection.client)
    this.#listener.push(connection.listener)
    this.#pool.push(connection.pool)
    this.#remote.push(connection.remote)
    this.#end.push(connection.end)
    this.#tlsVersion.push(connection.tlsVersion)
    this.#serverName.push(connection.serverName)
    this.#alpn.push(connection.alpn)
  }

  get count(): number {
    return this.#startMs.count
  }

  // The columns: values from `count` on are undefined.

  get startMs(): Float64Array {
    return this.#startMs.values
  }

  get queuedMs(): Float64Array {
    return this.#queuedMs.values
  }

  get lengthMs(): Float64Array {
    return this.#lengthMs.values
  }

  get toRemote(): Float64Array {
    return this.#toRemote.values
  }

  get toClient(): Float64Array {
    return this.#toClient.values
  }

  get client(): Int32Array {
    return this.#client.values
  }

  get listener(): Int32Array {
    return this.#listener.values
  }

  get pool(): Int32Array {
    return this.#pool.values
  }

  get remote(): Int32Array {
    return this.#remote.values
  }

  get end(): Int32Array {
    return this.#end.values
  }

  get tlsVersion(): Int32Array {
    return this.#tlsVersion.values
  }

  get serverName(): Int32Array {
    return this.#serverName.values
  }

  get alpn(): Int32Array {
    return this.#alpn.values
  }
}
