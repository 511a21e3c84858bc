/** Reads the files that TLS directives name. */
import { shown } from '../../config/expectation.js'
import type { Located } from '../../config/located.js'
import type { Problems } from '../../config/problems.js'
import { readPskFile } from '../../config/psk-file.js'
import { cannotRead, type ReadAnswer, type Sources } from '../../config/sources.js'
import { type FileStamp, stampOf } from '../../services/file-watch.js'
import type { PskOptions } from '../../tls/options.js'

/** The tag of an ASN.1 SEQUENCE (X.690, 8.9), with which an OCSP response begins. */
const SEQUENCE = 0x30
const LINE_FEED = 0x0a

/** Reads each file once and reports errors at the directive that names it. */
export class TlsFiles {
  /** Stamp of each file, taken before it was read. */
  readonly stamps = new Map<string, FileStamp>()
  readonly #sources: Sources
  readonly #problems: Problems
  /** Contents by path: several directives may name the same file. */
  readonly #answers = new Map<string, ReadAnswer>()
  #failures = 0

  constructor(sources: Sources, problems: Problems) {
    this.#sources = sources
    this.#problems = problems
  }

  /** Number of files that could not be used so far. */
  get failures(): number {
    return this.#failures
  }

  /** Returns no bytes if the file cannot be used. */
  read(file: Located<string>): Uint8Array {
    const path = file.value
    const answer = this.#answers.get(path) ?? this.#ask(path)
    if (!answer.ok) this.#fail(file, cannotRead(path, answer.code, this.#sources))
    else if (answer.bytes.length === 0) this.#fail(file, `${shown(path)} is empty`)
    return answer.ok ? answer.bytes : NOTHING
  }

  optional(file: Located<string> | undefined): Uint8Array | undefined {
    return file && this.read(file)
  }

  /** The first line of the file. */
  passphrase(file: Located<string>): string {
    const bytes = this.read(file)
    const end = bytes.indexOf(LINE_FEED)
    const line = new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end)).replace(/\r$/, '')
    if (line === '' && bytes.length > 0) this.#fail(file, `the first line of ${shown(file.value)} is empty`)
    return line
  }

  /** An OCSP response. */
  staple(file: Located<string>): Uint8Array {
    const bytes = this.read(file)
    const isDer = bytes.length === 0 || bytes[0] === SEQUENCE
    if (!isDer) this.#fail(file, `${shown(file.value)} is not an OCSP response (DER)`)
    return bytes
  }

  preSharedKeys(file: Located<string>): readonly (readonly [identity: string, key: Uint8Array])[] {
    const bytes = this.read(file)
    if (bytes.length === 0) return []
    const { keys, mistakes } = readPskFile(bytes)
    for (const mistake of mistakes) this.#fail(file, `${shown(file.value)}: ${mistake}`)
    return keys
  }

  /** The key for a remote; undefined if the file cannot be used. Reports a missing or ambiguous identity. */
  preSharedKey(file: Located<string>, wanted: Located<string> | undefined): PskOptions | undefined {
    // A failure of the file has been reported; a missing identity would only follow from it.
    const { failures } = this
    const keys = this.preSharedKeys(file)
    if (this.failures > failures) return undefined
    const named = wanted === undefined ? keys : keys.filter(([identity]) => identity === wanted.value)
    const [[identity, key] = ['', NOTHING], second] = named
    if (named.length === 0 && wanted !== undefined) {
      this.#fail(wanted, `no key for identity ${shown(wanted.value)} in ${shown(file.value)}`)
    } else if (second !== undefined) {
      this.#fail(file, `${shown(file.value)} contains several keys: select one with 'psk identity'`)
    }
    return { identity, key }
  }

  #ask(path: string): ReadAnswer {
    // Before the read: a change in between is then detected by the next poll.
    this.stamps.set(path, stampOf(path))
    const answer = this.#sources.read(path)
    // A copy: posting a view to a thread would clone the whole buffer behind it.
    const kept = answer.ok ? { ok: true as const, bytes: new Uint8Array(answer.bytes) } : answer
    this.#answers.set(path, kept)
    return kept
  }

  #fail({ position }: Located<string>, message: string): void {
    this.#failures += 1
    this.#problems.error(position, message)
  }
}

const NOTHING = new Uint8Array(0)
