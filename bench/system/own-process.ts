import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Launch } from './launch.js'
import { processTree } from './process-tree.js'

/** More than any generator prints; bounds the memory for a relay that logs without end. */
const OUTPUT_CHARS_MAX = 1 << 20
/** A program that has not ended this long after SIGTERM is killed. */
const END_GRACE_MS = 3_000

function sendTo(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has ended already.
    }
  }
}

/** A program that the benchmark started, with all its descendants. */
export class OwnProcess {
  readonly command: string
  readonly #child: ChildProcess
  readonly #exited: Promise<void>
  #hasExited = false
  #stdout = ''
  #stderr = ''

  constructor(launch: Launch, dir: string) {
    mkdirSync(dir, { recursive: true })
    for (const [name, text] of Object.entries(launch.files ?? {})) writeFileSync(join(dir, name), text)
    this.command = launch.command
    this.#child = spawn(launch.command, launch.args, {
      cwd: dir,
      env: { ...process.env, ...launch.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#exited = this.#watch()
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  get output(): string {
    return this.#stdout
  }

  /** What it has written to stderr. */
  get log(): string {
    return this.#stderr
  }

  /** The relevant part of its output for an error message: stderr, or else its last lines. */
  get complaint(): string {
    const lines = `${this.#stdout}\n${this.#stderr}`.split('\n').filter((line) => line.trim() !== '')
    const complaints = lines.filter((line) => /error|alert|emerg|fatal/i.test(line))
    return (complaints.length > 0 ? complaints.slice(0, 3) : lines.slice(-3)).join('\n') || 'it said nothing'
  }

  /** Resolves when the program has ended and its output is complete; false after the timeout. */
  async endsWithin(limitMs: number): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, limitMs, false)
    })
    const isInTime = await Promise.race([this.#exited.then(() => true), late])
    clearTimeout(timer)
    return isInTime
  }

  /** Sends SIGTERM, later SIGKILL, and ends all its children. */
  async end(): Promise<void> {
    if (this.#hasExited || this.pid === 0) return
    // Listed while the parent lives: afterwards its children are reparented to init and cannot be found.
    const tree = processTree(this.pid)
    sendTo([this.pid], 'SIGTERM')
    if (!(await this.endsWithin(END_GRACE_MS))) sendTo(tree, 'SIGKILL')
    await this.#exited
    sendTo(tree.slice(1), 'SIGKILL')
  }

  /** For exit handlers, which cannot wait. */
  kill(): void {
    if (!this.#hasExited && this.pid !== 0) sendTo(processTree(this.pid), 'SIGKILL')
  }

  #watch(): Promise<void> {
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout = (this.#stdout + text).slice(-OUTPUT_CHARS_MAX)
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-OUTPUT_CHARS_MAX)
    })
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#hasExited = true
        resolve()
      }
      this.#child.on('close', finish)
      this.#child.on('error', (error) => {
        this.#stderr += error.message
        if (this.#child.pid === undefined) finish()
      })
    })
  }
}
