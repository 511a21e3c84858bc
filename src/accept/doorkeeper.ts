import type { AccessList } from '../admission/access-list.js'
import { AF_INET, AF_INET6 } from '../kernel/constants.js'
import type { Region } from '../kernel/region.js'
import { add, COUNT } from '../observe/counters.js'
import { NOTICE } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'

/** A flood of rejected clients is one line a second, with how many there were. */
const TELL_EVERY_MS = 1_000

/** Where struct sockaddr_in and sockaddr_in6 keep the address (netinet/in.h). */
const IPV4_AT = 4
const IPV6_AT = 8

export interface DoorkeeperParts {
  readonly loop: Loop
  readonly counters: Float64Array
  readonly log: Say
  /** How a client's address is written. */
  describePeer(peer: Uint8Array): string
}

/** Asks the access list about each accepted client, and counts and logs whom it turns away. */
export class Doorkeeper {
  readonly #parts: DoorkeeperParts
  readonly #list: AccessList
  #toldAtMs = Number.NEGATIVE_INFINITY
  #untold = 0

  constructor(parts: DoorkeeperParts, list: AccessList) {
    this.#parts = parts
    this.#list = list
  }

  /** `peer`: the client's socket address. Clients of Unix sockets always pass. */
  admits(peer: Region): boolean {
    const address = addressIn(peer.bytes)
    if (address === undefined || this.#list.admits(address)) return true
    add(this.#parts.counters, COUNT.rejected, 1)
    this.#tell(peer.bytes)
    return false
  }

  #tell(peer: Uint8Array): void {
    const { describePeer, log, loop } = this.#parts
    if (loop.nowMs - this.#toldAtMs < TELL_EVERY_MS) {
      this.#untold++
      return
    }
    const more = this.#untold === 0 ? '' : ` (and ${this.#untold} before it)`
    log(NOTICE, `connection attempt from ${describePeer(peer)} rejected${more}`)
    this.#toldAtMs = loop.nowMs
    this.#untold = 0
  }
}

/** A client's address without its port, as a key; undefined for clients of Unix sockets. */
export function clientKey(peer: Uint8Array): string | undefined {
  const address = addressIn(peer)
  return address === undefined ? undefined : String.fromCharCode(...address)
}

function addressIn(peer: Uint8Array): Uint8Array | undefined {
  if (peer[0] === AF_INET) return peer.subarray(IPV4_AT, IPV4_AT + 4)
  return peer[0] === AF_INET6 ? peer.subarray(IPV6_AT, IPV6_AT + 16) : undefined
}
