import type { ByteString } from '../base/byte-string.js'
import type { Boundary } from '../observe/boundary.js'
import type { Say } from '../observe/trace.js'

/** What a module answers, in the numbers of the protocol. */
export const FINAL = 0
/** Malformed, or no answer. */
export const IGNORE = 2
export const TIMEOUT = 3
/** Not mine: the next module is asked. */
export const DOWN = 16

export type Code = typeof FINAL | typeof IGNORE | typeof TIMEOUT | typeof DOWN

/** Values of RESULT. */
export const ACK = 'ACK'
export const NAK = 'NAK'
export const ERR = 'ERR'
export const NFD = 'NFD'

/** A question on its way through the chain. An answer replaces all of `values`. */
export interface Query {
  /** By the number of the attribute. */
  values: (ByteString | undefined)[]
  /** SERIAL as it was asked; also in `values`. */
  readonly serial: ByteString
}

/** What modules have from outside. */
export interface ModuleServices {
  readonly say: Say
  /** Handlers of what helpers and servers send run behind it. */
  readonly boundary: Boundary
  /** CLOCK_MONOTONIC, in milliseconds. */
  nowMs(): number
  /** `mavis timeout`: nobody waits for longer. */
  readonly timeoutMs: number
}

/** One link of the chain. Runs on the control thread. */
export interface Module {
  /**
   * The way down. Calls `answer` once, at once or later, unless the query is withdrawn before; an answer that is not
   * DOWN has been put into `query.values`. Absent: DOWN.
   */
  ask?(query: Query, answer: (code: Code) => void): void
  /** The way up, of an answer that is final, whoever gave it. DOWN: the modules below are asked (again). */
  review?(query: Query): typeof FINAL | typeof DOWN
  /** Nobody waits for the answer any more. */
  withdraw?(query: Query): void
  /** No question is open for now, and none is expected soon: helpers that wait for nothing may end. */
  releaseIdle?(): void
  /** Ends all that the module has running; settles when that is gone. */
  close?(): Promise<void>
}
