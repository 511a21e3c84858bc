import type { AccessList } from '../admission/access-list.js'
import { AF_INET, AF_INET6 } from '../kernel/constants.js'
import type { Region } from '../kernel/region.js'
import { add, COUNT } from '../observe/counters.js'
import { Flood } from '../observe/flood.js'
import { NOTICE } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'

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
  readonly #rejections: Flood

  constructor(parts: DoorkeeperParts, list: AccessList) {
    this.#parts = parts
    this.#list = list
    this.#rejections = new Flood(NOTICE, parts.log)
  }

  /** `peer`: the client's socket address. Clients of Unix sockets always pass. */
  admits(peer: Region): boolean {
    if (this.#isListed(peer.bytes)) return true
    const { counters, describePeer, loop } = this.#parts
    add(counters, COUNT.rejected, 1)
    this.#rejections.tell(loop.nowMs, () => `connection attempt from ${describePeer(peer.bytes)} rejected`)
    return false
  }

  #isListed(peer: Uint8Array): boolean {
    if (peer[0] === AF_INET) return this.#list.admits(peer, IPV4_AT, 4)
    return peer[0] !== AF_INET6 || this.#list.admits(peer, IPV6_AT, 16)
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
