import { type BigIntStats, promises, statSync } from 'node:fs'
import type { Boundary } from '../observe/boundary.js'

/** A change takes effect after one to two of these. */
const LOOK_EVERY_MS = 3_000

/** What a file is like: another stamp, other contents. */
export type FileStamp = string

/** Files with the stamps that they had before they were read. */
export type Stamps = ReadonlyMap<string, FileStamp>

const MISSING: FileStamp = 'missing'

/**
 * Notices when one of some files has changed, by looking at them again and again. The kernel's notices (fs.watch) are
 * bound to an inode or to a directory: they miss files that are replaced through a symbolic link further up, as
 * Kubernetes and certbot do, they do not come at all on network file systems, and their number is limited.
 */
export class FileWatch {
  readonly #onChange: () => void
  readonly #boundary: Boundary
  #stamps: Stamps = new Map()
  /** What the last look has found, where it was something new. */
  #found: Stamps | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(onChange: () => void, boundary: Boundary) {
    this.#onChange = onChange
    this.#boundary = boundary
  }

  /** Watches these files and no others. `everyMs`: for tests. */
  watch(stamps: Stamps, everyMs = LOOK_EVERY_MS): void {
    this.close()
    this.#stamps = stamps
    this.#found = undefined
    if (stamps.size > 0) this.#lookLater(everyMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Looks once. A certificate and its key are two files: only what two looks have found alike has changed. */
  async look(): Promise<void> {
    const watched = this.#stamps
    const found = new Map<string, FileStamp>()
    for (const path of watched.keys()) found.set(path, await stampNow(path))
    if (this.#stamps !== watched) return
    if (areAlike(found, watched)) {
      this.#found = undefined
    } else if (this.#found !== undefined && areAlike(found, this.#found)) {
      this.#stamps = found
      this.#found = undefined
      this.#onChange()
    } else this.#found = found
  }

  #lookLater(everyMs: number): void {
    const again = () => {
      if (this.#timer === timer) this.#lookLater(everyMs)
    }
    const look = () => {
      this.look()
        .catch((error) => this.#boundary.failed('a watched file', error, () => {}))
        .finally(again)
    }
    const timer = setTimeout(look, everyMs)
    this.#timer = timer.unref()
  }
}

/** To be asked before the file is read: what changes meanwhile is noticed then. */
export function stampOf(path: string): FileStamp {
  try {
    return stampFrom(statSync(path, { bigint: true }))
  } catch {
    return MISSING
  }
}

function stampNow(path: string): Promise<FileStamp> {
  return promises.stat(path, { bigint: true }).then(stampFrom, () => MISSING)
}

/** The time of change shows what `cp -p` hides. */
function stampFrom({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): FileStamp {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

function areAlike(a: Stamps, b: Stamps): boolean {
  return [...a].every(([path, stamp]) => b.get(path) === stamp)
}
