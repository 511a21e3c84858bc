import { UNIX_PEER_BYTES } from '../kernel/peer-credentials.js'

/** Room for the socket address of a client: struct sockaddr_in6. */
const PEER_BYTES = 28

const PEERS_PER_BLOCK = 1024

const UNKNOWN = new Uint8Array(PEER_BYTES)

/**
 * Who the clients are, by the number of their session's record; only where somebody wants to know. They lie in blocks:
 * an array for each would take ten times what is in it.
 */
export class Peers {
  readonly #blocks: (Uint8Array | undefined)[] = []

  /** Copies a client's address; of a client of a Unix socket, who it is. */
  note(record: number, peer: Uint8Array, isUnix: boolean): void {
    const index = Math.floor(record / PEERS_PER_BLOCK)
    this.#blocks[index] ??= new Uint8Array(PEERS_PER_BLOCK * PEER_BYTES)
    const block = this.#blocks[index]
    const begin = (record % PEERS_PER_BLOCK) * PEER_BYTES
    const known = isUnix ? UNIX_PEER_BYTES : PEER_BYTES
    for (let i = 0; i < PEER_BYTES; i++) block[begin + i] = i < known ? (peer[i] as number) : 0
  }

  /** The socket address, until it is another session's record; zeros where none was noted. */
  at(record: number): Uint8Array {
    const block = this.#blocks[Math.floor(record / PEERS_PER_BLOCK)]
    if (block === undefined) return UNKNOWN
    const begin = (record % PEERS_PER_BLOCK) * PEER_BYTES
    return block.subarray(begin, begin + PEER_BYTES)
  }
}
