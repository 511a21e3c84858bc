import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { afterwards } from './clean-up.js'
import { Lines } from './lines.js'
import { hasEnded, killWithUs } from './orphans.js'
import { within } from './until.js'

/** The root of the checkout, seen from dist/test/harness. */
const ROOT = new URL('../../../', import.meta.url)

/** A file of the checkout. */
export const fileOfProject = (path: string): string => fileURLToPath(new URL(path, ROOT))

export const TCPRELAY = fileOfProject('bin/tcprelay.js')

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface ProgramOptions {
  readonly env?: Readonly<Record<string, string>>
  /** A program, with its arguments, that starts ours: a limit, another namespace. */
  readonly under?: readonly string[]
  /** A descriptor for its stderr, which nobody reads. */
  readonly stderr?: number
}

/** A process that a test has started; ended with the test, or with the process of the test, by its id. */
export class Program {
  readonly pid: number
  readonly stdout: Lines
  readonly stderr: Lines
  readonly #child: ChildProcess
  readonly #exit: Promise<Exit>

  constructor(t: TestContext, command: readonly string[], options: ProgramOptions = {}) {
    const { env = {}, stderr = 'pipe', under = [] } = options
    const [file = '', ...words] = [...under, ...command]
    this.#child = spawn(file, words, {
      stdio: ['ignore', 'pipe', stderr],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    })
    if (this.#child.pid === undefined) throw new Error(`cannot start ${file}`)
    const { pid } = this.#child
    this.pid = pid
    killWithUs(pid)
    this.#child.once('exit', () => hasEnded(pid))
    this.stdout = new Lines(this.#child.stdout as Readable)
    this.stderr = new Lines(this.#child.stderr ?? Readable.from([]))
    this.#exit = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }))
    afterwards(t, async () => {
      if (!this.hasEnded) this.#child.kill('SIGKILL')
      await this.#exit
    })
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Closes the reading end of its stderr. */
  closeStderr(): void {
    this.#child.stderr?.destroy()
  }

  async ended(deadlineMs?: number): Promise<Exit> {
    try {
      return await within('the end of the program', this.#exit, deadlineMs)
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; it wrote:\n${this.stderr.text}`)
    }
  }
}

export function startTcprelay(t: TestContext, words: readonly string[], options?: ProgramOptions): Program {
  return new Program(t, [process.execPath, TCPRELAY, ...words], options)
}

export interface Run extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** Runs the program to its end. */
export async function tcprelay(
  t: TestContext,
  words: readonly string[],
  options?: ProgramOptions,
): Promise<Run> {
  const program = startTcprelay(t, words, options)
  const exit = await program.ended()
  return { ...exit, stdout: program.stdout.text, stderr: program.stderr.text }
}
