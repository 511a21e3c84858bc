/** Memory at a fixed address, for system calls. */
import { type Pointer, viewMemory } from './ffi.js'

/**
 * Bytes that the garbage collector never moves, so that the kernel may keep their address. System calls use `pointer`
 * and `address`, the fake kernel of the tests uses `bytes`. A Region does not own its memory: the caller that mapped
 * it unmaps it.
 */
export class Region {
  readonly address: number
  /** The address as a BigInt created once: passing it to a native function allocates nothing. */
  readonly pointer: bigint
  readonly byteLength: number
  #bytes: Uint8Array | undefined

  constructor(address: number, byteLength: number, bytes?: Uint8Array) {
    this.address = address
    this.pointer = BigInt(address)
    this.byteLength = byteLength
    this.#bytes = bytes
  }

  /** Created on first use: most blocks of the data path are never read by JavaScript. */
  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(viewMemory(this.pointer, this.byteLength))
    return this.#bytes
  }

  /** The address `offset` bytes into the region, for a native function. */
  at(offset: number): Pointer {
    return offset === 0 ? this.pointer : this.address + offset
  }

  /** A region inside this one, valid as long as this one is mapped. */
  part(offset: number, byteLength: number): Region {
    const isInside = isCount(offset) && isCount(byteLength) && offset + byteLength <= this.byteLength
    if (!isInside) throw new RangeError(`offset ${offset}, length ${byteLength}: outside of the region`)
    const bytes = this.address === 0 ? this.bytes.subarray(offset, offset + byteLength) : undefined
    return new Region(this.address === 0 ? 0 : this.address + offset, byteLength, bytes)
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0
}

/** A region without native memory, for the fake kernel. */
export function heapRegion(byteLength: number): Region {
  return new Region(0, byteLength, new Uint8Array(byteLength))
}
