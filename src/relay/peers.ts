/** Addresses of sessions: of their clients, and of where those have connected to. */
import { UNIX_PEER_BYTES } from '../kernel/peer-credentials.js'

/** Size of struct sockaddr_in6, the longest address that is stored. */
const PEER_BYTES = 28

/** Addresses per block, 28 KiB: few allocations, and little waste on a small relay. */
const PEERS_PER_BLOCK = 1024

const UNKNOWN = new Uint8Array(PEER_BYTES)

/**
 * Socket addresses by session record. Those of clients are stored only where `notesPeers` is set. They are kept in blocks: an
 * array per client would take ten times the memory.
 */
export class Peers {
  readonly #blocks: (Uint8Array | undefined)[] = []

  /** Copies an address; for clients of Unix sockets the credentials. */
  note(record: number, peer: Uint8Array, isUnix: boolean): void {
    const index = Math.floor(record / PEERS_PER_BLOCK)
    this.#blocks[index] ??= new Uint8Array(PEERS_PER_BLOCK * PEER_BYTES)
    const block = this.#blocks[index]
    const begin = (record % PEERS_PER_BLOCK) * PEER_BYTES
    const known = isUnix ? UNIX_PEER_BYTES : PEER_BYTES
    for (let i = 0; i < PEER_BYTES; i++) block[begin + i] = i < known ? (peer[i] as number) : 0
  }

  /** The family of the address; 0 if none was stored. Unlike `at` it allocates nothing. */
  familyAt(record: number): number {
    const block = this.#blocks[Math.floor(record / PEERS_PER_BLOCK)]
    return block === undefined ? 0 : (block[(record % PEERS_PER_BLOCK) * PEER_BYTES] as number)
  }

  /** The address, valid until the record is reused; zeros if none was stored. */
  at(record: number): Uint8Array {
    const block = this.#blocks[Math.floor(record / PEERS_PER_BLOCK)]
    if (block === undefined) return UNKNOWN
    const begin = (record % PEERS_PER_BLOCK) * PEER_BYTES
    return block.subarray(begin, begin + PEER_BYTES)
  }
}
