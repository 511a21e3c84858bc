import { readdirSync, readFileSync } from 'node:fs'
import { nativeFunction } from '../kernel/ffi.js'

/** From the end of a child to the first look, and between two looks. */
const LOOK_AFTER_MS = 200
const WNOHANG = 1

/**
 * Process 1 of a container inherits orphaned processes and has to wait for them (waitpid(2)), or each stays a zombie. Node
 * waits for those that it has started in the turn of its event loop that follows their end; a process that is a zombie at
 * two looks, with a turn between them, is an orphan.
 */
export class OrphanReaper {
  #zombies: ReadonlySet<number> = new Set()
  #timer: NodeJS.Timeout | undefined

  start(): void {
    process.on('SIGCHLD', () => this.#lookSoon())
  }

  #lookSoon(): void {
    this.#timer ??= setTimeout(() => this.#look(), LOOK_AFTER_MS).unref()
  }

  #look(): void {
    this.#timer = undefined
    const left = zombieChildren().filter((pid) => !this.#zombies.has(pid) || !reap(pid))
    this.#zombies = new Set(left)
    if (left.length > 0) this.#lookSoon()
  }
}

function reap(pid: number): boolean {
  const waitpid = nativeFunction<(pid: number, status: null, options: number) => number>(
    'int waitpid(int pid, void *status, int options)',
  )
  return waitpid(pid, null, WNOHANG) === pid
}

/** Children of any thread that have ended and that nobody has waited for. */
function zombieChildren(): number[] {
  return readdirSync('/proc/self/task').flatMap((thread) => {
    const children = textOf(`/proc/self/task/${thread}/children`).split(' ').filter(Boolean)
    return children.map(Number).filter(isZombie)
  })
}

function isZombie(pid: number): boolean {
  return /^State:\tZ/m.test(textOf(`/proc/${pid}/status`))
}

/** Empty for a process or a thread that is gone. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
