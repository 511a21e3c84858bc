/** The buffers for bytes in flight. */
import type { Calls } from '../../kernel/calls.js'
import type { Region } from '../../kernel/region.js'

/**
 * Size of a block: the most that one receive returns and a blocked direction holds. Four TLS records, which cost a
 * tenth less per byte than two at a time.
 */
export const BLOCK_BYTES = 64 * 1024

/** Blocks per mapping: 8 MiB, whose pages use no memory until they are written. */
const BLOCKS_PER_CHUNK = 128

/**
 * Free blocks that keep their pages, 8 MiB at most; the pages of others are returned to the kernel. Each client holds a
 * block while its remote is dialled: with fewer, 64 clients at a time cost an madvise(2) and page faults for every fifth.
 */
const WARM_BLOCKS = 128

/** Maps memory for blocks: of the reactor's memfd, or of the heap in the simulation. Undefined: out of memory. */
export type MapChunk = (byteLength: number) => Region | undefined

/**
 * The buffers of one reactor. Every receive fills the same scratch block; if the sink does not take all of it, the
 * direction keeps that block and the scratch block is replaced, so that nothing is copied.
 */
export class Blocks {
  readonly #calls: Calls
  readonly #mapChunk: MapChunk
  /** Free blocks with pages, the most recently used on top, because it may still be in the CPU cache. */
  readonly #warm: Region[] = []
  /** Free blocks without pages. */
  readonly #cold: Region[] = []
  #made = 0
  /** For peeks that exceed the scratch block; mapped when first needed. */
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

  /** Hands the scratch block with its content to the caller until `release`; undefined without memory. */
  keepScratch(): Region | undefined {
    const kept = this.scratch
    const next = this.#take()
    if (next === undefined) return undefined
    this.scratch = next
    return kept
  }

  /** A scratch region of `byteCount`, always the same one, valid until the next call; undefined without memory. */
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
