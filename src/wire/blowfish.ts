import { piWords } from './pi-words.js'

const BLOCK_BYTES = 8
const KEY_WORDS = 18
const BOX_WORDS = 256
const BOXES = 4
const SECOND_BOX = KEY_WORDS + BOX_WORDS
const THIRD_BOX = SECOND_BOX + BOX_WORDS
const FOURTH_BOX = THIRD_BOX + BOX_WORDS

/** What of the tables' beginnings mavisd has: it copies as many bytes as it means words (`mavis/blowfish.c`). */
const MAVISD_KEY_BYTES = 18
const MAVISD_BOX_BYTES = 256

/** The 18 key words and the four boxes behind them, before a key is mixed in: pi, from its first fraction digit on. */
export function blowfishTables(): Uint32Array {
  return piWords(KEY_WORDS + BOXES * BOX_WORDS)
}

/**
 * The same as the classic mavisd begins with on a little-endian machine: only the first bytes of each table, zeros
 * behind them. So its cipher is another one than everybody else's Blowfish.
 */
export function mavisdTables(): Uint32Array {
  mavisd ??= cutTables()
  return mavisd
}

/** Made when a key is used for the first time: that takes some ten milliseconds. */
let mavisd: Uint32Array | undefined

function cutTables(): Uint32Array {
  const whole = blowfishTables()
  const cut = new Uint32Array(whole.length)
  copyBytes(whole, cut, 0, MAVISD_KEY_BYTES)
  for (let box = 0; box < BOXES; box++) copyBytes(whole, cut, KEY_WORDS + box * BOX_WORDS, MAVISD_BOX_BYTES)
  return cut
}

/** Copies words from `at` on; of the last one only its low bytes, which come first in memory. */
function copyBytes(from: Uint32Array, to: Uint32Array, at: number, byteCount: number): void {
  const wordCount = byteCount >> 2
  to.set(from.subarray(at, at + wordCount), at)
  const restMask = 2 ** (8 * (byteCount % 4)) - 1
  if (restMask !== 0) to[at + wordCount] = (from[at + wordCount] as number) & restMask
}

/** Blowfish (Schneier 1993), each block by itself: what is sent is neither authenticated nor unlike what was sent before. */
export class Blowfish {
  /** The key words, then the four boxes. */
  readonly #tables: Uint32Array
  #left = 0
  #right = 0

  /** `key`: at least one byte; 72 count. */
  constructor(key: Uint8Array, tables: Uint32Array = mavisdTables()) {
    if (key.length === 0) throw new RangeError('a key of Blowfish has one byte at least')
    this.#tables = tables.slice()
    this.#mix(key.subarray(0, KEY_WORDS * 4))
  }

  /** With zeros behind it, up to whole blocks. */
  encrypt(bytes: Uint8Array): Uint8Array {
    const blocks = new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES) * BLOCK_BYTES)
    blocks.set(bytes)
    return this.#inBlocks(blocks, () => this.#encryptBlock())
  }

  /** What there is in whole blocks; bytes behind them are left out. */
  decrypt(bytes: Uint8Array): Uint8Array {
    const blocks = bytes.slice(0, bytes.length - (bytes.length % BLOCK_BYTES))
    return this.#inBlocks(blocks, () => this.#decryptBlock())
  }

  #inBlocks(blocks: Uint8Array, change: () => void): Uint8Array {
    const view = new DataView(blocks.buffer, blocks.byteOffset, blocks.byteLength)
    for (let at = 0; at < blocks.length; at += BLOCK_BYTES) {
      this.#left = view.getUint32(at)
      this.#right = view.getUint32(at + 4)
      change()
      view.setUint32(at, this.#left)
      view.setUint32(at + 4, this.#right)
    }
    return blocks
  }

  /** The key goes into the key words, again and again; then all tables become what they encrypt zeros to. */
  #mix(key: Uint8Array): void {
    const tables = this.#tables
    for (let i = 0; i < KEY_WORDS * 4; i++) {
      const byte = key[i % key.length] as number
      tables[i >> 2] = (tables[i >> 2] as number) ^ (byte << (24 - 8 * (i & 3)))
    }
    this.#left = 0
    this.#right = 0
    for (let i = 0; i < tables.length; i += 2) {
      this.#encryptBlock()
      tables[i] = this.#left
      tables[i + 1] = this.#right
    }
  }

  #encryptBlock(): void {
    for (let i = 0; i < KEY_WORDS - 2; i++) this.#round(i)
    this.#finish(KEY_WORDS - 2, KEY_WORDS - 1)
  }

  #decryptBlock(): void {
    for (let i = KEY_WORDS - 1; i > 1; i--) this.#round(i)
    this.#finish(1, 0)
  }

  #round(keyWord: number): void {
    const t = this.#tables
    const left = this.#left ^ (t[keyWord] as number)
    const first = (t[KEY_WORDS + (left >>> 24)] as number) + (t[SECOND_BOX + ((left >>> 16) & 255)] as number)
    const mixed =
      (first ^ (t[THIRD_BOX + ((left >>> 8) & 255)] as number)) + (t[FOURTH_BOX + (left & 255)] as number)
    this.#left = this.#right ^ mixed
    this.#right = left
  }

  /** Undoes the last exchange of halves, and mixes the two key words that are left. */
  #finish(rightWord: number, leftWord: number): void {
    const left = this.#right ^ (this.#tables[leftWord] as number)
    this.#right = this.#left ^ (this.#tables[rightWord] as number)
    this.#left = left
  }
}
