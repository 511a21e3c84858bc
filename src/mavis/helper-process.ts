import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import { Socket } from 'node:net'
import { keepNetAdmin } from '../kernel/capabilities.js'
import { errorText } from '../kernel/errno.js'
import { openPlainPipe, type PlainPipe } from '../kernel/plain-pipe.js'
import type { Boundary } from '../observe/boundary.js'
import { LineSplitter } from './line-splitter.js'
import type { HelperProgram } from './settings.js'

/** What a helper that was told to end may take for it before it is made to: less than the whole process has (`WayOut`). */
const PATIENCE_MS = 500

export interface HelperOptions {
  readonly program: HelperProgram
  readonly home: string | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

export interface HelperEvents {
  /** It has written to its standard output. */
  onBytes(bytes: Uint8Array): void
  /** It has taken what was written to it, and has room for more. */
  onDrain(): void
  /** It answers nothing more. Told once, and last. `failure`: that it could not be started, and why. */
  onEnd(failure: string | undefined): void
  /** A line of its standard error. */
  onLine(text: () => string): void
}

/**
 * One process of a helper, with its three pipes. It has a session of its own, so what is typed on our terminal does
 * not reach it; when we are gone, its standard input ends.
 */
export class HelperProcess {
  /** Settles when the process is reaped and its pipes are closed. */
  readonly gone: Promise<void>
  readonly #events: HelperEvents
  readonly #boundary: Boundary
  readonly #child: ChildProcess | undefined
  readonly #pipes: readonly Socket[]
  readonly #stdin: Socket | undefined
  #hasExited = false
  #isStopped = false
  #hasEnded = false
  #timer: NodeJS.Timeout | undefined
  #ending: string | undefined

  constructor(options: HelperOptions, events: HelperEvents, boundary: Boundary) {
    this.#events = events
    this.#boundary = boundary
    const started = startProcess(options)
    if (started instanceof Error) {
      this.#pipes = []
      this.gone = Promise.resolve()
      setImmediate(() => this.#end(failureText(started, options)))
      return
    }
    const { child, fds } = started
    this.#child = child
    child.on('error', (error) => this.#end(failureText(error, options)))
    if (child.pid === undefined) {
      for (const fd of fds) closeSync(fd)
      this.#pipes = []
      this.gone = Promise.resolve()
      return
    }
    const [stdin, stdout, stderr] = fds
    this.#stdin = this.#openStdin(stdin)
    this.#pipes = [this.#stdin, this.#openStdout(stdout), this.#openStderr(stderr)]
    const closed = this.#pipes.map((pipe) => new Promise<void>((done) => pipe.once('close', () => done())))
    const exited = new Promise<void>((done) => child.once('exit', () => done()))
    child.once('exit', (code, signal) => this.#onExit(code, signal))
    this.gone = Promise.all([exited, ...closed]).then(() => clearTimeout(this.#timer))
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** When it is gone: its exit code or signal. Undefined: the signal was ours. */
  get ending(): string | undefined {
    return this.#ending
  }

  /** Bytes that were written and that it has not taken. */
  get waitingBytes(): number {
    return this.#stdin?.writableLength ?? 0
  }

  /** Whatever is written to one that has ended is lost. */
  write(bytes: Uint8Array): void {
    if (this.#stdin?.writable) this.#stdin.write(bytes)
  }

  /** Nothing more will be asked: it finds the end of its input, and then has half a second. */
  finish(): void {
    this.#stdin?.destroy()
    if (!this.#hasExited) this.#timer ??= setTimeout(() => this.stop(), PATIENCE_MS)
  }

  /** SIGTERM, and after half a second SIGKILL. */
  stop(): void {
    if (this.#isStopped || this.#hasExited || this.pid === undefined) return
    this.#isStopped = true
    this.#stdin?.destroy()
    this.#signal('SIGTERM')
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#signal('SIGKILL'), PATIENCE_MS)
  }

  #openStdin(fd: number): Socket {
    const stdin = new Socket({ fd, readable: false, writable: true })
    stdin.on(
      'drain',
      this.#guarded('input', () => this.#events.onDrain()),
    )
    // It reads no more. What it has still to say is read until its output ends.
    stdin.on('error', () => this.stop())
    return stdin
  }

  #openStdout(fd: number): Socket {
    const stdout = new Socket({ fd, readable: true, writable: false })
    stdout.on(
      'data',
      this.#guarded('output', (bytes: Uint8Array) => this.#onOutput(bytes)),
    )
    stdout.on('error', () => {}) // 'close' follows
    stdout.on(
      'close',
      this.#guarded('end', () => this.#end(undefined)),
    )
    return stdout
  }

  #openStderr(fd: number): Socket {
    const stderr = new Socket({ fd, readable: true, writable: false })
    const lines = new LineSplitter((text) => this.#events.onLine(text))
    stderr.on(
      'data',
      this.#guarded('standard error', (bytes: Uint8Array) => lines.push(bytes)),
    )
    stderr.on('error', () => {}) // 'close' follows
    stderr.on(
      'close',
      this.#guarded('standard error', () => lines.end()),
    )
    return stderr
  }

  #onOutput(bytes: Uint8Array): void {
    if (!this.#hasEnded) this.#events.onBytes(bytes)
  }

  /** What its handlers throw ends this process; whoever asked it finds another one. */
  #guarded<Args extends readonly unknown[]>(what: string, handler: (...args: Args) => void) {
    return this.#boundary.guard(`the ${what} of a mavis helper`, handler, () => this.#fail())
  }

  /** Nothing more is read of it. */
  #fail(): void {
    for (const pipe of this.#pipes) pipe.destroy()
    this.#end(undefined)
  }

  /** What it has written last is still in the pipes. A process of its own may keep them open for ever. */
  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#hasExited = true
    const isOurs = this.#isStopped && (signal === 'SIGTERM' || signal === 'SIGKILL')
    if (!isOurs) this.#ending = signal === null ? `exit code ${code}` : `signal ${signal}`
    clearTimeout(this.#timer)
    this.#stdin?.destroy()
    this.#timer = setTimeout(() => {
      for (const pipe of this.#pipes) pipe.destroy()
    }, PATIENCE_MS)
  }

  #end(failure: string | undefined): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    this.stop()
    this.#events.onEnd(failure)
  }

  /** To its whole session: a shell's own commands would go on without it, and hold its pipes. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#hasExited || this.pid === undefined) return
    try {
      process.kill(-this.pid, signal)
    } catch {
      // It has just ended, or has become somebody whom we may not send signals.
    }
  }
}

interface Started {
  readonly child: ChildProcess
  /** Our ends of its standard input, output and error. */
  readonly fds: readonly [number, number, number]
}

function startProcess(options: HelperOptions): Started | Error {
  const pipes: PlainPipe[] = []
  const closeAll = (ends: readonly (keyof PlainPipe)[]) => {
    for (const pipe of pipes) for (const end of ends) closeSync(pipe[end])
  }
  try {
    for (let i = 0; i < 3; i++) pipes.push(openPlainPipe())
    const [input, output, errors] = pipes as [PlainPipe, PlainPipe, PlainPipe]
    const child = spawnProgram(options, [input.readFd, output.writeFd, errors.writeFd])
    for (const fd of [input.readFd, output.writeFd, errors.writeFd]) closeSync(fd)
    return { child, fds: [input.writeFd, output.readFd, errors.readFd] }
  } catch (error) {
    closeAll(['readFd', 'writeFd'])
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The system says only that one of several things is wrong. */
function failureText(error: NodeJS.ErrnoException, { gid, home, program, uid }: HelperOptions): string {
  const reason = error.errno === undefined ? error.message : errorText(Math.abs(error.errno))
  const user = uid === undefined ? '' : ` as user ${uid}`
  const group = gid === undefined ? '' : ` as group ${gid}`
  const place = home === undefined ? '' : ` in ${home}`
  const interpreter =
    error.code === 'ENOENT' && existsSync(program.path) && (home === undefined || existsSync(home))
      ? ', the interpreter in its first line'
      : ''
  return `could not be started${user}${group}${place}: ${reason}${interpreter}`
}

/** Changes the folder, the group and the user in this order, and fails if one of them cannot be changed. */
function spawnProgram(options: HelperOptions, stdio: number[]): ChildProcess {
  const { gid, home, program, uid } = options
  const { environment, path, words } = program
  const [argv0 = path, ...rest] = words
  const endKeeping = keepNetAdmin()
  try {
    return spawn(path, rest, {
      argv0,
      detached: true,
      env: environment.size > 0 ? Object.fromEntries(environment) : process.env,
      stdio,
      ...(uid === undefined ? {} : { uid }),
      ...(gid === undefined ? {} : { gid }),
      ...(home === undefined ? {} : { cwd: home }),
    })
  } finally {
    endKeeping()
  }
}
