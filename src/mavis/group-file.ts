/** Group names by number, from /etc/group. */
import { readFileSync, statSync } from 'node:fs'
import type { ByteString } from '../base/byte-string.js'

/** The file is checked for changes this often: it changes rarely, and there may be a thousand queries in a second. */
const CHECK_EVERY_MS = 1_000

/** Reads the file only; other sources of nsswitch.conf (LDAP, sssd) are not used. */
export class GroupFile {
  readonly #path: string
  readonly #nowMs: () => number
  #names: ReadonlyMap<number, ByteString> = new Map()
  /** Inode, mtime and size of the file that was read last. */
  #version = ''
  #checkedAtMs = Number.NEGATIVE_INFINITY

  constructor(path: string, nowMs: () => number) {
    this.#path = path
    this.#nowMs = nowMs
  }

  /** Throws when the file cannot be read. */
  names(): ReadonlyMap<number, ByteString> {
    const nowMs = this.#nowMs()
    if (nowMs - this.#checkedAtMs < CHECK_EVERY_MS) return this.#names
    // Tools replace the file by rename(2), which changes the inode.
    const { ino, mtimeNs, size } = statSync(this.#path, { bigint: true })
    const version = `${ino} ${mtimeNs} ${size}`
    if (version !== this.#version) {
      this.#names = namesIn(readFileSync(this.#path, 'latin1'))
      this.#version = version
    }
    this.#checkedAtMs = nowMs
    return this.#names
  }
}

/** Lines of `NAME:PASSWORD:NUMBER:MEMBERS`. For a duplicate number the first name wins, as in getgrgid(3). */
function namesIn(text: ByteString): ReadonlyMap<number, ByteString> {
  const names = new Map<number, ByteString>()
  for (const line of text.split('\n')) {
    // group(5).
    const [name = '', , digits = ''] = line.split(':')
    if (name !== '' && /^\d{1,10}$/.test(digits) && !names.has(Number(digits)))
      names.set(Number(digits), name)
  }
  return names
}
