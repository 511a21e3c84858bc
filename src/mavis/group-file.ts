import { readFileSync, statSync } from 'node:fs'
import type { ByteString } from '../base/byte-string.js'

/** A file changes once in a while, and there may be a thousand questions in a second. */
const LOOK_EVERY_MS = 1_000

/** The names of groups by their number, from a file like /etc/group. What other sources of nsswitch.conf know is not seen. */
export class GroupFile {
  readonly #path: string
  readonly #nowMs: () => number
  #names: ReadonlyMap<number, ByteString> = new Map()
  /** Of the file that was read last. */
  #version = ''
  #lookedAtMs = Number.NEGATIVE_INFINITY

  constructor(path: string, nowMs: () => number) {
    this.#path = path
    this.#nowMs = nowMs
  }

  /** Throws when the file cannot be read. */
  names(): ReadonlyMap<number, ByteString> {
    const nowMs = this.#nowMs()
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return this.#names
    const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true })
    const version = `${ino} ${mtimeNs} ${size}`
    if (version !== this.#version) {
      this.#names = namesIn(readFileSync(this.#path, 'latin1'))
      this.#version = version
    }
    this.#lookedAtMs = nowMs
    return this.#names
  }
}

/** `NAME:PASSWORD:NUMBER:MEMBERS`, a line each; of a number that comes twice the first name counts, as in getgrgid(3). */
function namesIn(text: ByteString): ReadonlyMap<number, ByteString> {
  const names = new Map<number, ByteString>()
  for (const line of text.split('\n')) {
    const [name = '', , digits = ''] = line.split(':')
    if (name !== '' && /^\d{1,10}$/.test(digits) && !names.has(Number(digits)))
      names.set(Number(digits), name)
  }
  return names
}
