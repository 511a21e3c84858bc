import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import type { ByteString } from '../base/byte-string.js'
import { WARNING } from '../observe/severity.js'
import type { ModuleServices } from './module.js'
import type { TeeSettings } from './settings.js'

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NONBLOCK, O_WRONLY } = constants

/** Records that wait for a slow disk or reader; what comes on top is dropped. */
const PENDING_BYTES_MAX = 1024 * 1024

/** A file that fails is tried again after this, with the next record. */
const RETRY_MS = 1_000

const BEHIND = 'it does not keep up, records are dropped'

/** What is needed to make a file. */
export type TeeOwner = Pick<TeeSettings, 'mode' | 'uid' | 'gid'>

/**
 * Appends records to a file or FIFO. Nobody waits for it: what it cannot take is dropped, in whole records. The first
 * failure is told, and the next one only after something was written.
 */
export class TeeFile {
  readonly #path: string
  readonly #owner: TeeOwner
  readonly #services: ModuleServices
  #pending: Buffer[] = []
  #pendingBytes = 0
  /** Whether the first of them has been begun. */
  #isTorn = false
  /** The writing that is going on. */
  #work: Promise<void> | undefined
  #file: FileHandle | undefined
  #failedAtMs = Number.NEGATIVE_INFINITY
  #hasLogged = false
  #isClosed = false

  constructor(path: string, owner: TeeOwner, services: ModuleServices) {
    this.#path = path
    this.#owner = owner
    this.#services = services
  }

  append(record: ByteString): void {
    const isResting = this.#services.nowMs() - this.#failedAtMs < RETRY_MS
    if (this.#isClosed || isResting) return
    if (this.#pendingBytes + record.length > PENDING_BYTES_MAX) {
      this.#tell(BEHIND)
      return
    }
    this.#pending.push(Buffer.from(record, 'latin1'))
    this.#pendingBytes += record.length
    this.#start()
  }

  /** Settles when what was appended is written, as far as it can be. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#work
    await this.#shut()
  }

  #start(): void {
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

  /** Records are taken out as they are written. */
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

  /** Only what is made here gets our mode and owner. A FIFO without a reader fails at once (ENXIO). */
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
    // What a FIFO has taken half of goes on as soon as there is room.
    const [first] = this.#pending
    const isFull = code === 'EAGAIN'
    const isTorn = isFull && this.#isTorn && first !== undefined
    this.#pending = isTorn ? [first] : []
    this.#pendingBytes = isTorn ? first.length : 0
    this.#failedAtMs = this.#services.nowMs()
    this.#tell(isFull ? BEHIND : message)
    return isFull ? undefined : this.#shut()
  }

  #tell(why: string): void {
    if (this.#hasLogged) return
    this.#hasLogged = true
    this.#services.say(WARNING, `mavis module tee: ${this.#path}: ${why}`)
  }

  async #shut(): Promise<void> {
    this.#isTorn = false
    const file = this.#file
    this.#file = undefined
    await file?.close().catch(() => {})
  }
}
