/** A file or FIFO that module `tee` appends records to. */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ByteString } from '../base/byte-string.js'
import { WARNING } from '../observe/severity.js'
import type { ModuleServices } from './module.js'
import type { TeeSettings } from './settings.js'

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants

/** Queued records for a slow disk or reader; further ones are dropped. */
const PENDING_BYTES_MAX = 1024 * 1024

/** A file that failed is tried again after this time, with the next record. */
const RETRY_MS = 1_000

const TOO_SLOW = 'the disk or reader is too slow'

/** Mode and owner of a new file. */
export type TeeOwner = Pick<TeeSettings, 'mode' | 'uid' | 'gid'>

/**
 * Never blocks queries: records that cannot be written are dropped whole. A failure is logged once, and again only after
 * a successful write.
 */
export class TeeFile {
  readonly #path: string
  readonly #owner: TeeOwner
  readonly #services: ModuleServices
  /** Records that are not completely written, in order. */
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** Whether a part of the first record has been written. */
  #isTorn = false
  /** The write in progress. */
  #work: Promise<void> | undefined
  /** Opened by the first record, and again after a failure. */
  #file: FileHandle | undefined
  /** Until RETRY_MS later records are dropped. */
  #failedAtMs = Number.NEGATIVE_INFINITY
  #hasLogged = false
  #isClosed = false

  constructor(path: string, owner: TeeOwner, services: ModuleServices) {
    this.#path = path
    this.#owner = owner
    this.#services = services
  }

  append(record: ByteString): void {
    const isBackingOff = this.#services.nowMs() - this.#failedAtMs < RETRY_MS
    if (this.#isClosed || isBackingOff) return
    if (this.#pendingBytes + record.length > PENDING_BYTES_MAX) {
      this.#logFailure(TOO_SLOW)
      return
    }
    this.#pending.push(Buffer.from(record, 'latin1'))
    this.#pendingBytes += record.length
    this.#start()
  }

  /** Settles when the queued records are written, or have failed. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#work
    await this.#shut()
  }

  #start(): void {
    // One write at a time: records must not interleave.
    this.#work ??= this.#writeAll()
      .catch((error) => this.#services.boundary.failed('a file of mavis module tee', error, () => {}))
      .finally(() => {
        this.#work = undefined
      })
  }

  async #writeAll(): Promise<void> {
    try {
      while (this.#pending.length > 0) await this.#writeSome()
    } catch (error) {
      await this.#fail(error as NodeJS.ErrnoException)
    }
  }

  /** Writes the first record, or a part of it. */
  async #writeSome(): Promise<void> {
    this.#file ??= await this.#opened()
    const [record] = this.#pending
    if (record === undefined) return
    const { bytesWritten } = await this.#file.write(record)
    this.#pendingBytes -= bytesWritten
    this.#isTorn = bytesWritten < record.length
    if (this.#isTorn) this.#pending[0] = record.subarray(bytesWritten)
    else this.#pending.shift()
    this.#hasLogged = false
  }

  /** Only a new file gets the configured mode and owner. A FIFO without a reader fails immediately (ENXIO). */
  async #opened(): Promise<FileHandle> {
    const flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY
    const { gid, mode, uid } = this.#owner
    const made = await open(this.#path, flags | O_CREAT | O_EXCL, mode).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      },
    )
    if (made === undefined) return open(this.#path, flags)
    try {
      // open(2) applies the umask, which the configured mode does not.
      await made.chmod(mode)
      // -1 leaves it as it is.
      if (uid !== undefined || gid !== undefined) await made.chown(uid ?? -1, gid ?? -1)
    } catch (error) {
      await made.close()
      throw error
    }
    return made
  }

  #fail({ code, message }: NodeJS.ErrnoException): Promise<void> | undefined {
    // A record that a FIFO has taken a part of is kept, so that the stream consists of whole records.
    const [first] = this.#pending
    const isFull = code === 'EAGAIN'
    const isTorn = isFull && this.#isTorn && first !== undefined
    this.#pending = isTorn ? [first] : []
    this.#pendingBytes = isTorn ? first.length : 0
    this.#failedAtMs = this.#services.nowMs()
    this.#logFailure(isFull ? TOO_SLOW : message)
    return isFull ? undefined : this.#shut()
  }

  #logFailure(why: string): void {
    if (this.#hasLogged) return
    this.#hasLogged = true
    this.#services.say(WARNING, `mavis module tee: cannot write ${this.#path}: ${why}; dropping records`)
  }

  async #shut(): Promise<void> {
    this.#isTorn = false
    const file = this.#file
    this.#file = undefined
    // The failure that led here has been logged.
    await file?.close().catch(() => {})
  }
}
