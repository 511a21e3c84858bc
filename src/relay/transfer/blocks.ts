import type { Calls } from '../../kernel/calls.js'
import type { Region } from '../../kernel/region.js'

/**
 * What one receive may bring, and so the most that a blocked direction holds: four records of TLS, which cost a tenth
 * less per byte from client to remote than two at a time.
 */
export const BLOCK_BYTES = 64 * 1024

/** Blocks per mapping: 8 MiB, whose pages cost nothing until they are written. */
const BLOCKS_PER_CHUNK = 128

/** Free blocks that keep their pages (2 MiB); the rest is given back to the system after a crowd has gone. */
const WARM_BLOCKS = 32

/** Maps more memory for blocks: from the reactor's memfd, or from the heap in the simulation. Undefined: none left. */
export type MapChunk = (byteLength: number) => Region | undefined

/**
 * The buffers of one reactor. There is one scratch block that every receive fills; when the other side does not
 * take it all, the direction keeps the block itself and the scratch is another one: nothing is copied.
 */
export class Blocks {
  readonly #calls: Calls
  readonly #mapChunk: MapChunk
  /** Free blocks whose pages are there, the last used on top, where the cache may still hold it. */
  readonly #warm: Region[] = []
  /** Free blocks without pages. */
  readonly #cold: Region[] = []
  #made = 0
  /** For what is looked at and does not fit into the scratch block; made when it is needed first. */
  #long: Region | undefined
  scratch: Region

  constructor(calls: Calls, mapChunk: MapChunk) {
    this.#calls = calls
    this.#mapChunk = mapChunk
    const first = this.#take()
    if (first === undefined) throw new Error('no memory for the first block')
    this.scratch = first
  }

  /** Blocks that directions hold now. */
  get held(): number {
    return this.#made - this.#warm.length - this.#cold.length - 1
  }

  /** Gives the scratch block, with what it contains, to the caller until `release`; undefined without memory. */
  keepScratch(): Region | undefined {
    const kept = this.scratch
    const next = this.#take()
    if (next === undefined) return undefined
    this.scratch = next
    return kept
  }

  /** Scratch memory of `byteCount`, always the same, whose content nobody keeps; undefined without memory. */
  borrowLong(byteCount: number): Region | undefined {
    this.#long ??= this.#mapChunk(byteCount)
    return this.#long
  }

  release(block: Region): void {
    if (this.#warm.length < WARM_BLOCKS) {
      this.#warm.push(block)
      return
    }
    this.#calls.discard(block)
    this.#cold.push(block)
  }

  #take(): Region | undefined {
    if (this.#warm.length === 0 && this.#cold.length === 0) this.#mapMore()
    return this.#warm.pop() ?? this.#cold.pop()
  }

  #mapMore(): void {
    const chunk = this.#mapChunk(BLOCKS_PER_CHUNK * BLOCK_BYTES)
    if (chunk === undefined) return
    for (let i = BLOCKS_PER_CHUNK - 1; i >= 0; i--) this.#cold.push(chunk.part(i * BLOCK_BYTES, BLOCK_BYTES))
    this.#made += BLOCKS_PER_CHUNK
  }
}
