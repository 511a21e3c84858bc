/** What a MAVIS module is: codes, results, the query it gets and the methods the chain calls. */
import type { ByteString } from '../base/byte-string.js'
import type { Boundary } from '../observe/boundary.js'
import type { Say } from '../observe/trace.js'

/** A module's answer codes, with the numbers of the protocol. */
export const FINAL = 0
/** Malformed, or no answer. */
export const IGNORE = 2
export const TIMEOUT = 3
/** Not responsible: the next module is asked. */
export const DOWN = 16

export type Code = typeof FINAL | typeof IGNORE | typeof TIMEOUT | typeof DOWN

/** Values of RESULT: accepted, rejected, failed, no such user. */
export const ACK = 'ACK'
export const NAK = 'NAK'
export const ERR = 'ERR'
export const NFD = 'NFD'

/** A query on its way through the chain. An answer replaces all of `values`. */
export interface Query {
  /** Indexed by attribute number. */
  values: (ByteString | undefined)[]
  /** SERIAL of the query; initially also in `values`, which an answer may replace. */
  readonly serial: ByteString
}

/** Services that the chain's owner provides to modules. */
export interface ModuleServices {
  readonly say: Say
  /** Handlers of bytes from helpers and servers run behind it. */
  readonly boundary: Boundary
  /** CLOCK_MONOTONIC, in milliseconds. */
  nowMs(): number
  /** `mavis timeout`: an answer after this is of no use. */
  readonly timeoutMs: number
}

/** A module of the chain. Runs on the control thread. */
export interface Module {
  /**
   * The way down. Calls `answer` once, immediately or later, unless the query is withdrawn first; an answer other than
   * DOWN is in `query.values` by then. Absent: DOWN.
   */
  ask?(query: Query, answer: (code: Code) => void): void
  /** The way up: reviews a final answer, its own or of a module below. DOWN asks the modules below (again). */
  review?(query: Query): typeof FINAL | typeof DOWN
  /** The answer is no longer wanted. */
  withdraw?(query: Query): void
  /** No query is open and none is expected soon: idle helpers and sockets may be closed. */
  releaseIdle?(): void
  /** Stops the module's processes and closes its files and sockets; settles when that is done. */
  close?(): Promise<void>
}
