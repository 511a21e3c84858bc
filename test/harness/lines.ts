import type { Readable } from 'node:stream'
import { until } from './until.js'

/** The output of a process so far, line by line. */
export class Lines {
  readonly all: string[] = []
  #rest = ''
  #listener: (line: string) => void = () => {}

  constructor(stream: Readable) {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n')
      this.#rest = lines.pop() ?? ''
      this.all.push(...lines)
      for (const line of lines) this.#listener(line)
    })
  }

  get text(): string {
    return [...this.all, this.#rest].join('\n')
  }

  /** Called with each line as it arrives. */
  onLine(listener: (line: string) => void): void {
    this.#listener = listener
  }

  matching(pattern: RegExp): string[] {
    return this.all.filter((line) => pattern.test(line))
  }

  /** Waits for a line and returns the match; `nth` counts such lines from 1. */
  async reached(pattern: RegExp, nth = 1, deadlineMs?: number): Promise<RegExpExecArray> {
    const find = () => this.all.map((line) => pattern.exec(line)).filter((match) => match !== null)[nth - 1]
    try {
      return await until(`line ${nth} of ${pattern}`, find, deadlineMs)
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : error}; there is:\n${this.text}`)
    }
  }
}
