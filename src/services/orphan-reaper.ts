/** Reaps orphaned processes when this process is PID 1. */
import { readdirSync, readFileSync } from 'node:fs'
import { nativeFunction } from '../kernel/ffi.js'

/** From SIGCHLD to the first scan, and between two scans. */
const SCAN_DELAY_MS = 200
// waitpid(2): returns at once; the process may have been reaped by Node meanwhile.
const WNOHANG = 1

/**
 * PID 1 of a container inherits orphaned processes and must reap them (waitpid(2)), or each remains a zombie. Node reaps
 * its own children in the event loop turn after their end; a process that is a zombie in two scans, with a turn in
 * between, is an orphan.
 */
export class OrphanReaper {
  #zombies: ReadonlySet<number> = new Set()
  #timer: NodeJS.Timeout | undefined

  start(): void {
    process.on('SIGCHLD', () => this.#scanLater())
  }

  #scanLater(): void {
    this.#timer ??= setTimeout(() => this.#scan(), SCAN_DELAY_MS).unref()
  }

  #scan(): void {
    this.#timer = undefined
    const left = zombieChildren().filter((pid) => !this.#zombies.has(pid) || !reap(pid))
    this.#zombies = new Set(left)
    if (left.length > 0) this.#scanLater()
  }
}

function reap(pid: number): boolean {
  const waitpid = nativeFunction<(pid: number, status: null, options: number) => number>(
    'int waitpid(int pid, void *status, int options)',
  )
  return waitpid(pid, null, WNOHANG) === pid
}

/** Children of any thread that have ended and were not reaped. */
function zombieChildren(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const children = textOf(`/proc/self/task/${thread}/children`).split(' ').filter(Boolean)
    return children.map(Number).filter(isZombie)
  })
}

/** proc(5), the line `State` of status. */
function isZombie(pid: number): boolean {
  return /^State:\tZ/m.test(textOf(`/proc/${pid}/status`))
}

/** Empty for a process or thread that has ended. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
