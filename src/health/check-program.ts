/** One run of the program of a health check. */
import { Buffer } from 'node:buffer'
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { Socket } from 'node:net'
import { keepNetAdmin } from '../kernel/capabilities.js'
import { errorText } from '../kernel/errno.js'
import { openPlainPipe } from '../kernel/plain-pipe.js'

/** Of its output only the beginning is kept; the rest is read and dropped, so that the program does not block. */
const OUTPUT_BYTES_MAX = 4_096
/** A process that it has left in a session of its own may keep the pipe open. */
const OUTPUT_WAIT_MS = 100

export interface ProgramStart {
  readonly path: string
  /** argv, beginning with argv[0]. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
}

export interface ProgramEnd {
  readonly code: number | null
  readonly signal: string | null
  /** The beginning of its standard output. */
  readonly output: string
}

/**
 * A process in a session and a process group of its own, without standard input and error. The group is killed when the
 * program ends, so that nothing of it stays behind.
 */
export class CheckProgram {
  /** Rejects with an `Error` if it could not be started. */
  readonly ended: Promise<ProgramEnd>
  readonly #child: ChildProcess
  readonly #output: Socket
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  /** Throws if there is no pipe for it. */
  constructor(start: ProgramStart) {
    const pipe = openPlainPipe()
    try {
      this.#child = spawnProgram(start, pipe.writeFd)
    } catch (error) {
      closeSync(pipe.readFd)
      throw error
    } finally {
      closeSync(pipe.writeFd)
    }
    this.#output = new Socket({ fd: pipe.readFd, readable: true, writable: false })
    this.#output.on('data', (chunk: Uint8Array) => this.#keep(chunk))
    this.#output.on('error', () => {}) // 'close' follows
    this.ended = this.#waitForEnd()
  }

  /** SIGKILL to the whole group; no-op when it has ended. */
  kill(): void {
    const { exitCode, pid, signalCode } = this.#child
    if (pid !== undefined && exitCode === null && signalCode === null) killGroup(pid)
  }

  #waitForEnd(): Promise<ProgramEnd> {
    return new Promise((resolve, reject) => {
      this.#child.once('error', (error: NodeJS.ErrnoException) => {
        this.#output.destroy()
        const why = error.errno === undefined ? error.message : errorText(Math.abs(error.errno))
        reject(new Error(`could not be started: ${why}`))
      })
      this.#child.once('exit', (code, signal) => {
        // At once: as long as one of its processes is left, the number is not given to another group.
        if (this.#child.pid !== undefined) killGroup(this.#child.pid)
        const timer = setTimeout(() => this.#output.destroy(), OUTPUT_WAIT_MS)
        const end = () => {
          clearTimeout(timer)
          resolve({ code, signal, output: Buffer.concat(this.#chunks).toString('utf8') })
        }
        if (this.#output.closed) end()
        else this.#output.once('close', end)
      })
    })
  }

  #keep(chunk: Uint8Array): void {
    const kept = chunk.subarray(0, OUTPUT_BYTES_MAX - this.#bytes)
    this.#bytes += kept.byteLength
    if (kept.byteLength > 0) this.#chunks.push(kept)
  }
}

function spawnProgram({ environment, path, words }: ProgramStart, stdout: number): ChildProcess {
  const [argv0 = path, ...rest] = words
  // It needs no capability of this process, even if children of ours inherit it.
  const endKeeping = keepNetAdmin()
  try {
    // setsid(2): signals from our terminal do not reach it, and `kill` does.
    return spawn(path, rest, { argv0, detached: true, env: environment, stdio: ['ignore', stdout, 'ignore'] })
  } finally {
    endKeeping()
  }
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // ESRCH: nothing is left. EPERM: it changed its user.
  }
}
