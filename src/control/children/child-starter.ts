/** Starts child processes, watches them, and starts their successors with a growing delay. */
import type { ChildProcess } from 'node:child_process'
import { ERR, INFO, WARNING } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { WorkingDirectory } from '../../services/working-directory.js'
import { type ChildProgram, isForbidden, type StartProcess, startProgram } from './child-program.js'

/** A child that ends sooner died at start even if it has served: it would be restarted hundreds of times a second. */
const NO_START_MS = 50

/** Exponential back-off after children that died at start. */
const BACKOFF_FIRST_MS = 1_000
const BACKOFF_MAX_MS = 30_000

/**
 * Abnormal deaths of children that have served: so many are replaced at once, and one is forgotten after each period
 * without. More of them are a crash loop that backs off, because each start costs half a second of CPU.
 */
const FREE_DEATHS = 10
const DEATH_FORGOTTEN_AFTER_MS = 10_000

export interface Extras {
  readonly fds: readonly number[]
  /** The child has inherited its copies, or could not be started. */
  release(): void
}

export interface ChildStarterEvents {
  /** Descriptors for the child of a slot, from 3 on. Throws when none can be opened. */
  openExtras(slot: number): Extras
  onStarted(slot: number): void
  /** No child can be started: this process may not change to the configured user or group. */
  onForbidden(slot: number): void
  onGone(slot: number): void
}

interface Waiting {
  readonly timer: NodeJS.Timeout
  readonly wireFd: number | undefined
}

interface Running {
  readonly process: ChildProcess
  readonly startedMs: number
  readonly program: ChildProgram
  /** It has taken clients. */
  hasServed: boolean
}

/** How a child has ended. */
interface End {
  readonly how: string
  readonly isNormal: boolean
  /** False: this process may not change to the configured user or group. */
  readonly isAllowed: boolean
}

/** Starts the processes of children, at once or after a back-off, and reports how they end. */
export class ChildStarter {
  readonly #events: ChildStarterEvents
  readonly #closeFd: (fd: number) => void
  readonly #say: Say
  readonly #startProcess: StartProcess
  readonly #workingDirectory: WorkingDirectory
  /** By slot. */
  readonly #running = new Map<number, Running>()
  /** Children that wait for the back-off, by slot. Each owns its `wireFd` until it starts. */
  readonly #waiting = new Map<number, Waiting>()
  /** The program of the configuration in force. */
  #program: ChildProgram
  /** Exponent of the back-off; reset by a quiet time. */
  #pauses = 0
  /** End of the back-off, as `performance.now`. */
  #notBeforeMs = 0
  /** Abnormal deaths of children that had served, and the time of the last counted one. */
  #deaths = 0
  #deathCountedMs = Number.NEGATIVE_INFINITY
  /** False while the process ends: a child that would have to wait is reported as gone instead. */
  #mayWait = true
  #isStopped = false

  constructor(
    program: ChildProgram,
    events: ChildStarterEvents,
    closeFd: (fd: number) => void,
    say: Say,
    startProcess: StartProcess = startProgram,
  ) {
    this.#startProcess = startProcess
    this.#program = program
    this.#events = events
    this.#closeFd = closeFd
    this.#say = say
    this.#workingDirectory = new WorkingDirectory(say)
  }

  get count(): number {
    return this.#running.size + this.#waiting.size
  }

  get pids(): number[] {
    return [...this.#running.values()].flatMap(({ process }) => process.pid ?? [])
  }

  /** Undefined: no process runs in this slot. */
  pidOf(slot: number): number | undefined {
    return this.#running.get(slot)?.process.pid
  }

  /** New children run this program; deaths of the program before are forgotten. */
  setProgram(program: ChildProgram): void {
    this.#program = program
    this.#forgetDeaths()
    for (const [slot, { timer, wireFd }] of [...this.#waiting]) {
      clearTimeout(timer)
      this.#waiting.delete(slot)
      this.#start(slot, wireFd, program)
    }
  }

  /**
   * Starts a child whose end of the wire is `wireFd` (undefined: it has none), at once or after the back-off.
   */
  start(slot: number, wireFd: number | undefined): void {
    const program = this.#program
    const waitMs = this.#notBeforeMs - performance.now()
    if (waitMs <= 0 || this.#isStopped) {
      this.#start(slot, wireFd, program)
      return
    }
    if (!this.#mayWait) {
      this.#close(wireFd)
      this.#events.onGone(slot)
      return
    }
    const timer = setTimeout(() => {
      this.#waiting.delete(slot)
      this.#start(slot, wireFd, program)
    }, waitMs)
    this.#waiting.set(slot, { timer, wireFd })
  }

  /** Starts a child of another program at once: the back-off belongs to the present program. */
  startOther(slot: number, wireFd: number | undefined, program: ChildProgram): void {
    this.#start(slot, wireFd, program)
  }

  /** The child of a slot takes clients: it did not die at start. */
  served(slot: number): void {
    const child = this.#running.get(slot)
    if (child !== undefined) child.hasServed = true
  }

  killOne(slot: number, signal: NodeJS.Signals): void {
    this.#running.get(slot)?.process.kill(signal)
  }

  kill(signal: NodeJS.Signals): void {
    for (const { process } of this.#running.values()) process.kill(signal)
  }

  /** Cancels starts that wait for the back-off, and from now on those that would have to: the process is ending. */
  stopWaiting(): void {
    this.#mayWait = false
    for (const [slot, { timer, wireFd }] of [...this.#waiting]) {
      clearTimeout(timer)
      this.#waiting.delete(slot)
      this.#close(wireFd)
      this.#events.onGone(slot)
    }
  }

  /** Starts nothing more. */
  stopStarting(): void {
    this.#isStopped = true
    this.stopWaiting()
  }

  #close(wireFd: number | undefined): void {
    if (wireFd !== undefined) this.#closeFd(wireFd)
  }

  #start(slot: number, wireFd: number | undefined, program: ChildProgram): void {
    if (this.#isStopped) {
      this.#close(wireFd)
      return
    }
    const child = this.#spawn(slot, wireFd, program)
    let isOver = false
    const over = (end: End) => {
      if (isOver) return
      isOver = true
      this.#onOver(slot, child instanceof Error ? undefined : child.pid, program, end)
    }
    const failed = (error: NodeJS.ErrnoException) =>
      over({
        how: `could not be started: ${error.message}`,
        isNormal: false,
        isAllowed: !isForbidden(program, error),
      })
    if (child instanceof Error) {
      // Later, as Node reports other failures: the caller of `start` has not returned yet.
      setImmediate(() => failed(child))
      return
    }
    child.on('error', failed)
    child.on('exit', (code, signal) =>
      over({ how: describeEnd(code, signal), isNormal: code === 0, isAllowed: true }),
    )
    // The event `error` follows.
    if (child.pid === undefined) return
    this.#running.set(slot, { process: child, startedMs: performance.now(), program, hasServed: false })
    this.#events.onStarted(slot)
  }

  #spawn(slot: number, wireFd: number | undefined, program: ChildProgram): ChildProcess | Error {
    // Of this process: without one, Node cannot start children.
    this.#workingDirectory.ensureExists()
    try {
      const extras = this.#events.openExtras(slot)
      // The wire is descriptor 0, as in the classic protocol; 1 is /dev/null, 2 is ours, the extras begin at
      // 3.
      const child = this.#startProcess(program, [wireFd ?? 'ignore', 'ignore', 'inherit', ...extras.fds])
      extras.release()
      return child
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error))
    } finally {
      this.#close(wireFd)
    }
  }

  #onOver(slot: number, pid: number | undefined, program: ChildProgram, end: End): void {
    const nowMs = performance.now()
    const { hasServed = false, startedMs = nowMs } = this.#running.get(slot) ?? {}
    this.#running.delete(slot)
    this.#say(end.isNormal ? INFO : WARNING, `child (pid ${pid ?? '-'}) ${end.how}`)
    const isStart = !hasServed || nowMs - startedMs < NO_START_MS
    if (isStart && !end.isAllowed) this.#events.onForbidden(slot)
    // Deaths of another configuration's children say nothing about the one in force.
    else if (program === this.#program && !this.#isStopped) {
      if (isStart) this.#pause('children die at start')
      else if (!end.isNormal) this.#died(startedMs)
      else if (this.#deaths <= FREE_DEATHS) this.#forgetDeaths()
    }
    this.#events.onGone(slot)
  }

  #forgetDeaths(): void {
    this.#pauses = 0
    this.#notBeforeMs = 0
    this.#deaths = 0
  }

  /** Children that already ran when the last death was counted died of the same cause: one death. */
  #died(startedMs: number): void {
    if (startedMs < this.#deathCountedMs) return
    const nowMs = performance.now()
    const forgotten = (nowMs - this.#deathCountedMs) / DEATH_FORGOTTEN_AFTER_MS
    this.#deaths = Math.min(Math.max(0, this.#deaths - forgotten), FREE_DEATHS) + 1
    this.#deathCountedMs = nowMs
    if (this.#deaths > FREE_DEATHS) this.#pause('children die again and again')
    else if (this.#deaths < FREE_DEATHS / 2) this.#pauses = 0
  }

  /** Children that die during a pause do not prolong it. */
  #pause(why: string): void {
    const nowMs = performance.now()
    if (nowMs < this.#notBeforeMs) return
    const pauseMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#pauses, BACKOFF_MAX_MS)
    this.#pauses++
    this.#notBeforeMs = nowMs + pauseMs
    // The pause does not count as a quiet time.
    if (this.#deathCountedMs > Number.NEGATIVE_INFINITY) this.#deathCountedMs = this.#notBeforeMs
    this.#say(ERR, `${why}: the next one in ${pauseMs / 1000} s`)
  }
}

/** In the words of the original. */
function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `terminated abnormally (signal ${signal})`
  return code === 0 ? 'terminated normally' : `terminated abnormally (exit code ${code})`
}
