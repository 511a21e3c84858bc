import { type Pointer, viewMemory } from './ffi.js'

/**
 * Bytes that never move, so that the kernel may keep their address. The real system calls use `pointer` and
 * `address`, the fake kernel of the tests uses `bytes`. Who mapped the memory unmaps it; a Region only names it.
 */
export class Region {
  readonly address: number
  /** The address boxed once: passing it to a native function allocates nothing. */
  readonly pointer: bigint
  readonly byteLength: number
  #bytes: Uint8Array | undefined

  constructor(address: number, byteLength: number, bytes?: Uint8Array) {
    this.address = address
    this.pointer = BigInt(address)
    this.byteLength = byteLength
    this.#bytes = bytes
  }

  /** The memory as bytes. Made on first use: most blocks of the data path are never looked into. */
  get bytes(): Uint8Array {
    this.#bytes ??= new Uint8Array(viewMemory(this.pointer, this.byteLength))
    return this.#bytes
  }

  /** The address `offset` bytes into the region, for a native function. */
  at(offset: number): Pointer {
    return offset === 0 ? this.pointer : this.address + offset
  }

  part(offset: number, byteLength: number): Region {
    const isInside = isCount(offset) && isCount(byteLength) && offset + byteLength <= this.byteLength
    if (!isInside) throw new RangeError(`${offset}+${byteLength} is outside the region`)
    const bytes = this.address === 0 ? this.bytes.subarray(offset, offset + byteLength) : undefined
    return new Region(this.address === 0 ? 0 : this.address + offset, byteLength, bytes)
  }
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 0
}

/** A region without native memory behind it, for the fake kernel. */
export function heapRegion(byteLength: number): Region {
  return new Region(0, byteLength, new Uint8Array(byteLength))
}
