import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process'
import { ERR, INFO, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** A child that ends sooner has not really started. */
const START_MS = 2_000

/** Whatever ends in order even sooner is no child, and would be started hundreds of times a second. */
const NO_START_MS = 50

/** After children that died at start: before the next one, twice as long each time. */
const BACKOFF_FIRST_MS = 1_000
const BACKOFF_MAX_MS = 30_000

/** How children are started; the same for all of one configuration. */
export interface ChildProgram {
  readonly command: string
  readonly words: readonly string[]
  readonly environment: NodeJS.ProcessEnv
  readonly uid: number | undefined
  readonly gid: number | undefined
  readonly workingDirectory: string | undefined
}

export interface Extras {
  readonly fds: readonly number[]
  /** The child has its copies, or could not be started. */
  release(): void
}

export interface ChildrenEvents {
  /** Which descriptors the child of a slot gets from 3 on. */
  openExtras(slot: number): Extras
  onStarted(slot: number): void
  onGone(slot: number): void
}

interface Waiting {
  readonly timer: NodeJS.Timeout
  readonly wireFd: number | undefined
}

interface Running {
  readonly process: ChildProcess
  readonly startedMs: number
}

/** The processes of the children: started when the reactor wants one, told of when they end. */
export class Children {
  readonly #events: ChildrenEvents
  readonly #closeFd: (fd: number) => void
  readonly #say: Say
  readonly #running = new Map<number, Running>()
  readonly #waiting = new Map<number, Waiting>()
  #program: ChildProgram
  #deathsAtStart = 0
  #notBeforeMs = 0

  constructor(program: ChildProgram, events: ChildrenEvents, closeFd: (fd: number) => void, say: Say) {
    this.#program = program
    this.#events = events
    this.#closeFd = closeFd
    this.#say = say
  }

  get count(): number {
    return this.#running.size + this.#waiting.size
  }

  get pids(): number[] {
    return [...this.#running.values()].flatMap(({ process }) => process.pid ?? [])
  }

  /** Children that start from now on run this; deaths of the program before count no more. */
  setProgram(program: ChildProgram): void {
    this.#program = program
    this.#deathsAtStart = 0
    this.#notBeforeMs = 0
    for (const [slot, { timer, wireFd }] of [...this.#waiting]) {
      clearTimeout(timer)
      this.#waiting.delete(slot)
      this.#start(slot, wireFd, program)
    }
  }

  /** Starts a child whose end of the wire is `wireFd` (undefined: it has none); at once, or after a pause when children die at start. */
  start(slot: number, wireFd: number | undefined): void {
    const program = this.#program
    const waitMs = this.#notBeforeMs - Date.now()
    if (waitMs <= 0) {
      this.#start(slot, wireFd, program)
      return
    }
    const timer = setTimeout(() => {
      this.#waiting.delete(slot)
      this.#start(slot, wireFd, program)
    }, waitMs)
    this.#waiting.set(slot, { timer, wireFd })
  }

  /** Starts a child of another program, at once: it has done nothing wrong yet. */
  startOther(slot: number, wireFd: number | undefined, program: ChildProgram): void {
    this.#start(slot, wireFd, program)
  }

  killOne(slot: number, signal: NodeJS.Signals): void {
    this.#running.get(slot)?.process.kill(signal)
  }

  kill(signal: NodeJS.Signals): void {
    for (const { process } of this.#running.values()) process.kill(signal)
  }

  /** Starts nothing more. */
  stopStarting(): void {
    for (const { timer, wireFd } of this.#waiting.values()) {
      clearTimeout(timer)
      if (wireFd !== undefined) this.#closeFd(wireFd)
    }
    this.#waiting.clear()
  }

  #start(slot: number, wireFd: number | undefined, program: ChildProgram): void {
    const extras = this.#events.openExtras(slot)
    const child = spawnChild(program, [wireFd ?? 'ignore', 'ignore', 'inherit', ...extras.fds])
    if (wireFd !== undefined) this.#closeFd(wireFd)
    extras.release()
    let isOver = false
    const over = (how: string) => {
      if (isOver) return
      isOver = true
      this.#onOver(slot, child, how)
    }
    if (child instanceof Error) {
      setImmediate(() => over(`could not be started: ${child.message}`))
      return
    }
    child.on('error', ({ message }) => over(`could not be started: ${message}`))
    child.on('exit', (code, signal) => over(describeEnd(code, signal)))
    if (child.pid === undefined) return
    this.#running.set(slot, { process: child, startedMs: Date.now() })
    this.#events.onStarted(slot)
  }

  #onOver(slot: number, child: ChildProcess | Error, how: string): void {
    const startedMs = this.#running.get(slot)?.startedMs ?? Date.now()
    const { exitCode, pid } = child instanceof Error ? { exitCode: null, pid: undefined } : child
    const livedMs = Date.now() - startedMs
    const hasEndedWell = exitCode === 0
    this.#running.delete(slot)
    this.#say(hasEndedWell ? INFO : WARNING, `child (pid ${pid ?? '-'}) ${how}`)
    if (livedMs >= (hasEndedWell ? NO_START_MS : START_MS)) this.#deathsAtStart = 0
    else this.#diedAtStart()
    this.#events.onGone(slot)
  }

  /** Those that die in one round are one reason to wait. */
  #diedAtStart(): void {
    if (Date.now() < this.#notBeforeMs) return
    const pauseMs = Math.min(BACKOFF_FIRST_MS * 2 ** this.#deathsAtStart, BACKOFF_MAX_MS)
    this.#deathsAtStart++
    this.#notBeforeMs = Date.now() + pauseMs
    this.#say(ERR, `children die at start: the next one in ${pauseMs / 1000} s`)
  }
}

/** Some failures Node tells by an event, such as a program that is not there, others it throws. */
function spawnChild(program: ChildProgram, stdio: StdioOptions): ChildProcess | Error {
  const { command, environment, gid, uid, words, workingDirectory } = program
  try {
    return spawn(command, words, {
      detached: true,
      env: environment,
      stdio,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      ...(workingDirectory === undefined ? {} : { cwd: workingDirectory }),
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** In the words of the original. */
function describeEnd(code: number | null, signal: NodeJS.Signals | null): string {
  if (signal !== null) return `terminated abnormally (signal ${signal})`
  return code === 0 ? 'terminated normally' : `terminated abnormally (exit code ${code})`
}
