/** The process of a MAVIS helper with its three pipes. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, existsSync } from 'node:fs'
import { Socket } from 'node:net'
import { keepNetAdmin } from '../kernel/capabilities.js'
import { errorText } from '../kernel/errno.js'
import { openPlainPipe, type PlainPipe } from '../kernel/plain-pipe.js'
import type { Boundary } from '../observe/boundary.js'
import { LineSplitter } from './line-splitter.js'
import type { HelperProgram } from './settings.js'

/** Wait after closing its standard input, and again after SIGTERM: shorter than what `Shutdown` allows. */
const PATIENCE_MS = 500

export interface HelperOptions {
  readonly program: HelperProgram
  readonly home: string | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

export interface HelperEvents {
  /** Bytes of its standard output. */
  onBytes(bytes: Uint8Array): void
  /** Its standard input has room again. */
  onDrain(): void
  /** It answers nothing more. Called once, and last. `failure`: why the process could not be started. */
  onEnd(failure: string | undefined): void
  /** A line of its standard error. */
  onLine(text: () => string): void
}

/**
 * One helper process. It runs in a session of its own, so that signals from our terminal do not reach it. When this
 * program ends in any way, its standard input reaches its end.
 */
export class HelperProcess {
  /** Settles when the process is reaped and its pipes are closed. */
  readonly gone: Promise<void>
  readonly #events: HelperEvents
  readonly #boundary: Boundary
  /** Undefined: the start has failed in this process. */
  readonly #child: ChildProcess | undefined
  readonly #pipes: readonly Socket[]
  readonly #stdin: Socket | undefined
  /** The process is reaped. Its pipes may still hold output. */
  #hasExited = false
  /** SIGTERM was sent. */
  #isStopped = false
  /** `onEnd` was called. */
  #hasEnded = false
  /** Runs until the next step of its end. */
  #timer: NodeJS.Timeout | undefined
  #ending: string | undefined

  constructor(options: HelperOptions, events: HelperEvents, boundary: Boundary) {
    this.#events = events
    this.#boundary = boundary
    const started = startProcess(options)
    if (started instanceof Error) {
      this.#pipes = []
      this.gone = Promise.resolve()
      // Later, as Node reports other failures: the caller does not have this object yet.
      setImmediate(() => this.#end(failureText(started, options)))
      return
    }
    const { child, fds } = started
    this.#child = child
    child.on('error', (error) => this.#end(failureText(error, options)))
    // The event `error` follows with the reason.
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

  /** Exit code or signal, after `gone`. Undefined: it was ended by our signal. */
  get ending(): string | undefined {
    return this.#ending
  }

  /** Bytes written that it has not read yet. */
  get waitingBytes(): number {
    return this.#stdin?.writableLength ?? 0
  }

  /** Bytes written to a process that has ended are dropped. */
  write(bytes: Uint8Array): void {
    // The stream queues what the pipe does not take; `waitingBytes` limits it.
    if (this.#stdin?.writable) this.#stdin.write(bytes)
  }

  /** Closes its standard input; stops the process if it has not ended after the patience period. */
  finish(): void {
    this.#stdin?.destroy()
    if (!this.#hasExited) this.#timer ??= setTimeout(() => this.stop(), PATIENCE_MS)
  }

  /** SIGTERM, and SIGKILL after the patience period. */
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
    // EPIPE: it reads no more. Its output is still read to the end.
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

  /** An exception in a handler ends this process; its query goes to another one. */
  #guarded<Args extends readonly unknown[]>(what: string, handler: (...args: Args) => void) {
    return this.#boundary.guard(`the ${what} of a mavis helper`, handler, () => this.#fail())
  }

  /** Ends it at once, with its output unread. */
  #fail(): void {
    for (const pipe of this.#pipes) pipe.destroy()
    this.#end(undefined)
  }

  /** Its last output may still be in the pipes. They are read for a limited time: a grandchild may keep them open. */
  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    this.#hasExited = true
    // Only another end is worth a line in the log.
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
    // Before `stop` and `onEnd`, which may lead back here.
    this.#hasEnded = true
    this.stop()
    this.#events.onEnd(failure)
  }

  /** Signals the whole process group: commands of a shell script would otherwise survive and hold the pipes. */
  #signal(signal: NodeJS.Signals): void {
    if (this.#hasExited || this.pid === undefined) return
    try {
      process.kill(-this.pid, signal)
    } catch {
      // ESRCH: it has just ended. EPERM: it changed its user.
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
    // The helper has its copies; with ours open, its end would not end the pipes.
    for (const fd of [input.readFd, output.writeFd, errors.writeFd]) closeSync(fd)
    return { child, fds: [input.writeFd, output.readFd, errors.readFd] }
  } catch (error) {
    closeAll(['readFd', 'writeFd'])
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** One errno may mean the user, the group, the directory or the program: the text names all that were set. */
function failureText(error: NodeJS.ErrnoException, { gid, home, program, uid }: HelperOptions): string {
  const reason = error.errno === undefined ? error.message : errorText(Math.abs(error.errno))
  const user = uid === undefined ? '' : ` as user ${uid}`
  const group = gid === undefined ? '' : ` as group ${gid}`
  const place = home === undefined ? '' : ` in ${home}`
  const interpreter =
    error.code === 'ENOENT' && existsSync(program.path) && (home === undefined || existsSync(home))
      ? ' (the interpreter in its first line)'
      : ''
  return `could not be started${user}${group}${place}: ${reason}${interpreter}`
}

/** Changes directory, group and user in this order; throws if one of them cannot be changed. */
function spawnProgram(options: HelperOptions, stdio: number[]): ChildProcess {
  const { gid, home, program, uid } = options
  const { environment, path, words } = program
  const [argv0 = path, ...rest] = words
  // A helper needs no capability of this process, even if children of ours inherit it.
  const endKeeping = keepNetAdmin()
  try {
    return spawn(path, rest, {
      argv0,
      // A session and process group of its own (setsid(2)), which `#signal` addresses.
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
