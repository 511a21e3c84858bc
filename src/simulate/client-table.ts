/** Numbers for the clients of a trace, which are their addresses without ports. */
import { hashAddress } from '../balance/hash.js'

/** Bytes kept for each address, IPv4 or IPv6. */
const ADDRESS_BYTES = 16

const FIRST_CAPACITY = 1_024

/** A hash table in typed arrays with open addressing: a large log has millions of clients, too many objects for a Map. */
export class ClientTable {
  count = 0
  /** Addresses in network order; `addressAt` says where. */
  bytes = new Uint8Array(FIRST_CAPACITY * ADDRESS_BYTES)
  #byteCounts = new Uint8Array(FIRST_CAPACITY)
  /** Twice as many places as clients, so that searches are short: the number of a client + 1; 0: free. */
  #places = new Int32Array(FIRST_CAPACITY * 2)

  /** The number of the client with the address `bytes`: 4 or 16 bytes; none for all clients of Unix sockets. */
  idOf(bytes: Uint8Array, byteCount: number): number {
    if (this.count === this.#byteCounts.length) this.#grow()
    const mask = this.#places.length - 1
    let place = hashAddress(bytes, 0, byteCount) & mask
    for (let held = this.#places[place] as number; held !== 0; held = this.#places[place] as number) {
      if (this.#isAt(held - 1, bytes, byteCount)) return held - 1
      place = (place + 1) & mask
    }
    const id = this.count++
    for (let i = 0; i < byteCount; i++) this.bytes[id * ADDRESS_BYTES + i] = bytes[i] as number
    this.#byteCounts[id] = byteCount
    this.#places[place] = id + 1
    return id
  }

  addressAt(id: number): number {
    return id * ADDRESS_BYTES
  }

  /** 4 or 16; 0 for clients of Unix sockets. */
  byteCountOf(id: number): number {
    return this.#byteCounts[id] as number
  }

  #isAt(id: number, bytes: Uint8Array, byteCount: number): boolean {
    if (this.#byteCounts[id] !== byteCount) return false
    const at = id * ADDRESS_BYTES
    for (let i = 0; i < byteCount; i++) if (this.bytes[at + i] !== bytes[i]) return false
    return true
  }

  #grow(): void {
    const capacity = this.count * 2
    const bytes = new Uint8Array(capacity * ADDRESS_BYTES)
    bytes.set(this.bytes)
    this.bytes = bytes
    const byteCounts = new Uint8Array(capacity)
    byteCounts.set(this.#byteCounts)
    this.#byteCounts = byteCounts
    this.#places = new Int32Array(capacity * 2)
    for (let id = 0; id < this.count; id++) this.#reinsert(id)
  }

  #reinsert(id: number): void {
    const mask = this.#places.length - 1
    let place = hashAddress(this.bytes, this.addressAt(id), this.byteCountOf(id)) & mask
    while (this.#places[place] !== 0) place = (place + 1) & mask
    this.#places[place] = id + 1
  }
}
