/** Detects changes of files by polling. */
import { type BigIntStats, promises, statSync } from 'node:fs'
import type { Boundary } from '../observe/boundary.js'

/** Polling interval. A change takes effect after one to two intervals. */
const POLL_EVERY_MS = 3_000

/** A file's identity and times as a string: a different stamp means that the file has changed. */
export type FileStamp = string

/** Paths with the stamps that the files had before they were read. */
export type Stamps = ReadonlyMap<string, FileStamp>

const MISSING: FileStamp = 'missing'

/**
 * Polls instead of using inotify (fs.watch), which is bound to an inode or a directory: it misses files that are replaced
 * through a symbolic link further up, as Kubernetes and certbot do, does not work on network file systems, and its
 * number of watches is limited.
 */
export class FileWatch {
  readonly #onChange: () => void
  readonly #boundary: Boundary
  #stamps: Stamps = new Map()
  /** Stamps of the last poll, if they differ from `#stamps`. */
  #found: Stamps | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(onChange: () => void, boundary: Boundary) {
    this.#onChange = onChange
    this.#boundary = boundary
  }

  /** Watches these files and no others. `everyMs`: other than the default only in tests. */
  watch(stamps: Stamps, everyMs = POLL_EVERY_MS): void {
    this.close()
    this.#stamps = stamps
    this.#found = undefined
    if (stamps.size > 0) this.#pollLater(everyMs)
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Polls once. A change counts when two polls agree: a certificate and its key are not replaced at the same moment. */
  async poll(): Promise<void> {
    const watched = this.#stamps
    const found = new Map<string, FileStamp>()
    for (const path of watched.keys()) found.set(path, await stampNow(path))
    // `watch` or a reload has replaced the list during the poll.
    if (this.#stamps !== watched) return
    if (areAlike(found, watched)) {
      this.#found = undefined
    } else if (this.#found !== undefined && areAlike(found, this.#found)) {
      this.#stamps = found
      this.#found = undefined
      this.#onChange()
    } else this.#found = found
  }

  #pollLater(everyMs: number): void {
    const again = () => {
      if (this.#timer === timer) this.#pollLater(everyMs)
    }
    const poll = () => {
      this.poll()
        .catch((error) => this.#boundary.failed('a watched file', error, () => {}))
        .finally(again)
    }
    const timer = setTimeout(poll, everyMs)
    // Does not keep the process alive.
    this.#timer = timer.unref()
  }
}

/** Take the stamp before reading the file, so that a change during the read is detected. */
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

/** Includes ctime, because `cp -p` preserves mtime. */
function stampFrom({ ctimeNs, dev, ino, mtimeNs, size }: BigIntStats): FileStamp {
  return [dev, ino, size, mtimeNs, ctimeNs].join(' ')
}

/** `b` has the paths of `a`. */
function areAlike(a: Stamps, b: Stamps): boolean {
  return [...a].every(([path, stamp]) => b.get(path) === stamp)
}
