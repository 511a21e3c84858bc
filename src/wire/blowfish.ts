/** The Blowfish cipher, in the variant of the classic mavisd. */
import { piWords } from './pi-words.js'

const BLOCK_BYTES = 8
const KEY_WORDS = 18
const BOX_WORDS = 256
const BOXES = 4
const SECOND_BOX = KEY_WORDS + BOX_WORDS
const THIRD_BOX = SECOND_BOX + BOX_WORDS
const FOURTH_BOX = THIRD_BOX + BOX_WORDS

/** Bytes of each table that mavisd copies: it passes the number of words as a number of bytes (`mavis/blowfish.c`). */
const MAVISD_KEY_BYTES = 18
const MAVISD_BOX_BYTES = 256

/** The initial tables of standard Blowfish, 18 key words and four boxes: the fraction of pi. */
export function blowfishTables(): Uint32Array {
  return piWords(KEY_WORDS + BOXES * BOX_WORDS)
}

/**
 * The initial tables of the classic mavisd on a little-endian machine: only the first bytes of each table, then zeros.
 * This makes its cipher incompatible with standard Blowfish.
 */
export function mavisdTables(): Uint32Array {
  mavisd ??= cutTables()
  return mavisd
}

/** Computed on first use, which takes about ten milliseconds. */
let mavisd: Uint32Array | undefined

function cutTables(): Uint32Array {
  const whole = blowfishTables()
  const cut = new Uint32Array(whole.length)
  copyBytes(whole, cut, 0, MAVISD_KEY_BYTES)
  for (let box = 0; box < BOXES; box++) copyBytes(whole, cut, KEY_WORDS + box * BOX_WORDS, MAVISD_BOX_BYTES)
  return cut
}

/** Copies bytes from word `at` on; of a partial word the low bytes, which come first in little-endian memory. */
function copyBytes(from: Uint32Array, to: Uint32Array, at: number, byteCount: number): void {
  const wordCount = byteCount >> 2
  to.set(from.subarray(at, at + wordCount), at)
  const restMask = 2 ** (8 * (byteCount % 4)) - 1
  if (restMask !== 0) to[at + wordCount] = (from[at + wordCount] as number) & restMask
}

/** Blowfish (Schneier 1993) in ECB mode: without authentication, and equal blocks encrypt equally. */
export class Blowfish {
  /** The key words, then the four boxes. */
  readonly #tables: Uint32Array
  #left = 0
  #right = 0

  /** `key`: 1 to 72 bytes; further ones are ignored. */
  constructor(key: Uint8Array, tables: Uint32Array = mavisdTables()) {
    if (key.length === 0) throw new RangeError('a Blowfish key needs at least one byte')
    this.#tables = tables.slice()
    this.#mix(key.subarray(0, KEY_WORDS * 4))
  }

  /** Encrypts the bytes, padded with zeros to whole blocks. */
  encrypt(bytes: Uint8Array): Uint8Array {
    const blocks = new Uint8Array(Math.ceil(bytes.length / BLOCK_BYTES) * BLOCK_BYTES)
    blocks.set(bytes)
    return this.#inBlocks(blocks, () => this.#encryptBlock())
  }

  /** Decrypts whole blocks; a partial block at the end is ignored. */
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

  /** Key schedule: XORs the repeated key into the key words, then replaces all tables by encrypting zeros. */
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

  /** The rounds of encryption with the key words in reverse order. */
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
    // Sums may exceed 32 bits; the XOR after each reduces it modulo 2^32.
    this.#left = this.#right ^ mixed
    this.#right = left
  }

  /** Undoes the last swap of halves and applies the remaining two key words. */
  #finish(rightWord: number, leftWord: number): void {
    const left = this.#right ^ (this.#tables[leftWord] as number)
    this.#right = this.#left ^ (this.#tables[rightWord] as number)
    this.#left = left
  }
}
