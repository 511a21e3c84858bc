/** Keeps the process in an existing working directory. */
import { nativeFunction } from '../kernel/ffi.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** PATH_MAX (linux/limits.h). */
const PATH_BYTES_MAX = 4096

/** The directory that the process was started in. When it is removed, Node can start neither processes nor threads. */
export class WorkingDirectory {
  readonly #path = process.cwd()
  readonly #say: Say

  constructor(say: Say) {
    this.#say = say
  }

  /** If it was removed, changes to a new directory of the same name, or to `/`, where relative paths rarely exist. */
  ensureExists(): void {
    if (exists()) return
    // A deployment often recreates the directory.
    const path = [this.#path, '/'].find(canEnter)
    this.#say(WARNING, `the working directory ${this.#path} was removed: relative paths now start at ${path}`)
  }
}

/** Calls getcwd(3), because process.cwd() returns a cached path. */
function exists(): boolean {
  const getcwd = nativeFunction<(path: Uint8Array, byteCount: number) => number>(
    'uintptr_t getcwd(void *path, size_t count)',
  )
  return getcwd(new Uint8Array(PATH_BYTES_MAX), PATH_BYTES_MAX) !== 0
}

function canEnter(path: string): boolean {
  try {
    process.chdir(path)
    return true
  } catch {
    return false
  }
}
