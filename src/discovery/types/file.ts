/** The source `file`: a file with the members, which another program may replace or rewrite at any time. */
import { setTimeout as wait } from 'node:timers/promises'
import type { FilePlan } from '../discover-plan.js'
import { readMemberText } from '../file/member-text.js'
import { readWhole } from '../file/read-whole.js'
import { runRounds } from '../rounds.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

/** A program that rewrites a file in place needs less between two writes. */
const SETTLE_MS = 100

/**
 * Reads the file at each interval, instead of inotify (fs.watch), which misses a file that is replaced through a symbolic
 * link further up, as Kubernetes does, and does not work on network file systems.
 */
export function openFile(plan: FilePlan, events: SourceEvents, times: SourceTimes = SOURCE_TIMES): Source {
  const content = new Content(plan.path)
  return runRounds(events, times, async (round) => {
    // Not thrown, because a pause after a failure gets longer: the file costs nobody anything.
    const members = await content.read(round.signal).catch(asFailure)
    if (members instanceof SourceFailure) round.problem(members)
    else round.answer(members)
    await round.pause(plan.intervalMs)
  })
}

function asFailure(error: unknown): SourceFailure {
  if (error instanceof SourceFailure) return error
  throw error
}

class Content {
  readonly #path: string
  #text: string | undefined
  #members: readonly FoundMember[] = []

  constructor(path: string) {
    this.#path = path
  }

  async read(signal: AbortSignal): Promise<readonly FoundMember[]> {
    const text = await readWhole(this.#path)
    if (text === this.#text) return this.#members
    const settled = this.#text === undefined ? text : await this.#settled(text, signal)
    const members = readMemberText(settled)
    this.#text = settled
    this.#members = members
    return members
  }

  /** A change counts when two readings agree: half a list is a list, too. */
  async #settled(text: string, signal: AbortSignal): Promise<string> {
    await wait(SETTLE_MS, undefined, { signal, ref: false })
    const again = await readWhole(this.#path)
    return again === text ? text : this.#settled(again, signal)
  }
}
