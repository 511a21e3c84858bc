/** What an opening of STARTTLS consists of, and what the readers of answers return. */
import type { StarttlsName } from '../../base/starttls-names.js'

/** More bytes are needed. */
export const MORE = 0
/** The answer is complete and does not permit to go on. */
export const REFUSED = -1
/** This is no answer in the protocol. */
export const MALFORMED = -2

/** The length of a complete answer that permits to go on, or one of the above. */
export type Answer = number

/** The longest answer: greetings and lists of capabilities are shorter. */
export const ANSWER_BYTES_MAX = 16 * 1024

export interface ClientStep {
  /** What is awaited, for log lines: `greeting`. */
  readonly what: string
  /** Sent before it is awaited; empty: the server speaks by itself. */
  readonly request: Uint8Array
  /** Reads the answer in `bytes` from `start` to `end`; all bytes there belong to it. */
  read(bytes: Uint8Array, start: number, end: number): Answer
}

export interface ClientOpening {
  readonly protocol: StarttlsName
  /** TLS begins after the last one. */
  readonly steps: readonly ClientStep[]
  /** The first answer is a greeting, which clients wait for and servers do not repeat after the handshake. */
  readonly hasGreeting: boolean
  /** Sent after the last answer by health checks, which have no client whose login decides on it. */
  readonly checkRequest?: Uint8Array
  /** Removes from a greeting in place what is wrong inside of TLS; returns its new length. */
  cleanGreeting(bytes: Uint8Array, start: number, end: number): number
  /** What an answer that permits nothing says, for log lines; bytes of the server are quoted there. */
  describe(bytes: Uint8Array, start: number, end: number): Uint8Array | string
}

/**
 * What is wrong with the answer to a step, in words for log lines; '' if nothing is, or more bytes are needed. `quote` makes
 * a part of a log line of what the server has sent.
 */
export function problemOf(
  opening: ClientOpening,
  { what }: ClientStep,
  answer: Answer,
  received: { readonly bytes: Uint8Array; readonly start: number; readonly end: number },
  quote: (bytes: Uint8Array) => string,
): string {
  const { bytes, end, start } = received
  if (answer === REFUSED) {
    const said = opening.describe(bytes, start, end)
    return `STARTTLS was refused: ${what}: ${typeof said === 'string' ? said : quote(said)}`
  }
  if (answer === MALFORMED) return `STARTTLS failed: bad ${what}: ${quote(bytes.subarray(start, end))}`
  if (answer !== MORE) return answer < end - start ? `STARTTLS failed: more bytes behind the ${what}` : ''
  return end - start < ANSWER_BYTES_MAX
    ? ''
    : `STARTTLS failed: ${what} longer than ${ANSWER_BYTES_MAX / 1024} KiB`
}
