import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { isAsleep } from './proc.js'
import { until, within } from './until.js'

/** An interactive program: all its output, on stdout or stderr, is one text. Ended with the test, by its id. */
export class Dialogue {
  text = ''
  readonly #process: ChildProcessWithoutNullStreams
  readonly #over: Promise<unknown>

  constructor(t: TestContext, [file = '', ...words]: readonly string[]) {
    this.#process = spawn(file, words)
    this.#over = once(this.#process, 'close')
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      stream.setEncoding('latin1').on('data', (text: string) => {
        this.text += text
      })
    }
    this.#process.stdin.on('error', () => {})
    afterwards(t, async () => {
      if (!this.hasEnded) this.#process.kill('SIGKILL')
      await this.#over
    })
  }

  get hasEnded(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  say(text: string): void {
    this.#process.stdin.write(text)
  }

  /** Sends the text and waits until the program has read it: later bytes are another chunk of its input. */
  async takes(text: string): Promise<void> {
    await new Promise((resolve) => this.#process.stdin.write(text, resolve))
    await until('a program to read', () => isAsleep(this.#process.pid ?? 0))
  }

  signal(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }

  /** Waits until it has written this. */
  async saw(pattern: RegExp): Promise<RegExpExecArray> {
    const look = () => pattern.exec(this.text) ?? undefined
    try {
      return await until(`${pattern}`, () => {
        const found = look()
        if (found === undefined && this.hasEnded) throw new Error(`it has ended without ${pattern}`)
        return found
      })
    } catch (error) {
      const late = look() // its last output comes with the end
      if (late !== undefined) return late
      throw new Error(`${error instanceof Error ? error.message : error}; there is:\n${this.text}`)
    }
  }

  /** Closes its input and waits for the end; returns everything that it has written. */
  async ended(): Promise<string> {
    this.#process.stdin.end()
    await within('the end of a program', this.#over)
    return this.text
  }
}
