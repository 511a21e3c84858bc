/** Records what a source of members reports. */
import type { TestContext } from 'node:test'
import type { FoundMember, Source, SourceEvents } from '../../src/discovery/source.js'
import { SOURCE_TIMES, type SourceTimes } from '../../src/discovery/source-times.js'
import { afterwards } from '../harness/clean-up.js'
import { until } from '../harness/until.js'

/** Retries as soon as a test wants them. */
export const QUICK: SourceTimes = { ...SOURCE_TIMES, retryFirstMs: 5, retryMaxMs: 5, random: () => 0 }

export class SourceLog implements SourceEvents {
  /** `= a b` for an answer, its members by name; `= a (text)` if something is lacking, `! text` for a problem. */
  readonly lines: string[] = []
  #members: readonly FoundMember[] = []

  /** Opens a source, which is closed after the test. */
  static of(t: TestContext, open: (events: SourceEvents) => Source): SourceLog {
    const log = new SourceLog()
    const source = open(log)
    afterwards(t, () => source.close())
    return log
  }

  /** Those of the last answer. */
  get members(): readonly FoundMember[] {
    return this.#members
  }

  onAnswer(members: readonly FoundMember[], lack?: string): void {
    this.#members = members
    const names = members.map(({ name }) => name).sort()
    this.lines.push(['=', ...names, ...(lack === undefined ? [] : [`(${lack})`])].join(' '))
  }

  onProblem(text: string): void {
    this.lines.push(`! ${text}`)
  }

  /** The first reports. */
  async first(count: number): Promise<readonly string[]> {
    await until(`${count} reports`, () => this.lines.length >= count)
    return this.lines.slice(0, count)
  }

  async has(line: string): Promise<void> {
    await until(`the report '${line}'`, () => this.lines.includes(line))
  }
}
