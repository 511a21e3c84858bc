/** A file that is replaced as a whole: its content is always that of one write. */
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path/posix'

/** More than the largest state: with it the file is not ours. */
const BYTES_MAX = 256 * 2 ** 20

/** The owner alone: names and addresses of servers are nobody else's business. */
const MODE = 0o600

const { O_CREAT, O_NOFOLLOW, O_TRUNC, O_WRONLY } = constants
const FLAGS = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW

export class StateFile {
  readonly path: string
  #isClosed = false
  #isWriting = false

  /** A relative path begins at the present working directory. */
  constructor(path: string) {
    this.path = resolve(path)
  }

  /** Undefined: there is none. Throws the system's error, or why it cannot be ours. */
  read(): string | undefined {
    const stats = lstatSync(this.path, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    if (!stats.isFile()) throw new Error('it is not a regular file')
    if (stats.size > BYTES_MAX) throw new Error(`it has more than ${BYTES_MAX / 2 ** 20} MB`)
    return readFileSync(this.path, 'utf8')
  }

  /** Replaces the file, piece by piece, so that other events are handled meanwhile. One write at a time. */
  async write(pieces: Iterable<string>): Promise<void> {
    if (this.#isWriting || this.#isClosed) return
    this.#isWriting = true
    const temporary = this.#temporaryPath('new')
    try {
      const file = await open(temporary, FLAGS, MODE)
      try {
        for (const piece of pieces) await file.writeFile(piece)
      } finally {
        await file.close()
      }
      // Synchronous: after `writeLast` an older state must not replace the last one.
      if (this.#isClosed) rmSync(temporary, { force: true })
      else renameSync(temporary, this.path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    } finally {
      this.#isWriting = false
    }
  }

  /** Replaces the file at once. Later writes do nothing. */
  writeLast(pieces: Iterable<string>): void {
    this.#isClosed = true
    const temporary = this.#temporaryPath('last')
    const fd = openSync(temporary, FLAGS, MODE)
    try {
      for (const piece of pieces) writeFileSync(fd, piece)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, this.path)
  }

  #temporaryPath(kind: string): string {
    return join(dirname(this.path), `.${basename(this.path)}.${kind}`)
  }
}
