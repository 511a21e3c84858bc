import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { temporaryFolder } from './clean-up.js'
import { Program } from './program.js'
import { until } from './until.js'

/** A line of `strace -o FILE`: the call's name and the rest. */
const CALL = /^(\w+)\(/

/** The system calls of one thread while it was traced. */
export class CallTrace {
  readonly lines: readonly string[]

  constructor(text: string) {
    this.lines = text.split('\n').filter((line) => CALL.test(line))
  }

  get total(): number {
    return this.lines.length
  }

  /** How often each call was made, the most frequent first. */
  get counts(): Readonly<Record<string, number>> {
    const counts = new Map<string, number>()
    for (const line of this.lines) {
      const name = CALL.exec(line)?.[1] ?? ''
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return Object.fromEntries([...counts].sort(([, a], [, b]) => b - a))
  }

  matching(pattern: RegExp): string[] {
    return this.lines.filter((line) => pattern.test(line))
  }
}

/** The reactor's thread: the last one that a single process starts before it serves. */
export function reactorThreadOf(pid: number): number {
  return Math.max(...readdirSync(`/proc/${pid}/task`).map(Number))
}

/** Runs `work` while every system call of one thread is recorded. */
export async function traceCalls(
  t: TestContext,
  thread: number,
  work: () => Promise<void>,
): Promise<CallTrace> {
  const file = join(temporaryFolder(t), 'calls')
  const strace = new Program(t, ['strace', '-o', file, '-s', '0', '-p', String(thread)])
  await until('strace to attach', () => /attached/.test(strace.stderr.text))
  try {
    await work()
  } finally {
    strace.signal('SIGINT')
    await strace.ended()
  }
  return new CallTrace(readFileSync(file, 'utf8'))
}
