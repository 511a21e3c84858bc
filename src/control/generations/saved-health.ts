/** The state file of a head: what is known of remotes, over a restart. */

import { formatDuration } from '../../base/duration.js'
import type { FoundMember } from '../../discovery/source.js'
import type { HealthRecord, History } from '../../health/history.js'
import type { KnownState } from '../../health/remote-state.js'
import type { RemoteVerdicts } from '../../health/remote-verdicts.js'
import { parseSaved, type SavedRemote, type SavedState, savedText } from '../../health/saved-state.js'
import type { Clock } from '../../kernel/system.js'
import { INFO, WARNING } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { StateFile } from '../../services/state-file.js'

/** The file is written so long after a change of a verdict, and so long after the result of a check. */
const SAVE_FLIPS_AFTER_MS = 1_000
const SAVE_RESULTS_AFTER_MS = 60_000

/** Verdicts of an older file say nothing: an administrator or another program has had time to repair the remote. */
const VERDICTS_KEPT_MS = 600_000

export interface SavedHealthParts {
  readonly say: Say
  readonly clock: Clock
  readonly history: History
  readonly verdicts: RemoteVerdicts
  /** The remotes whose state is kept. */
  names(): Iterable<string>
  /** By pool: what discovery has found. */
  answers(): Iterable<readonly [pool: string, members: readonly FoundMember[]]>
}

export class SavedHealth {
  readonly #parts: SavedHealthParts
  /** Undefined: none is configured. */
  #file: StateFile | undefined
  #timer: NodeJS.Timeout | undefined
  #dueMs = Number.POSITIVE_INFINITY
  /** The last write failed, which has been reported. */
  #hasFailed = false
  #isEnded = false

  constructor(parts: SavedHealthParts, path: string | undefined) {
    this.#parts = parts
    this.use(path)
  }

  /** Writes to this file from now on; undefined: to none. */
  use(path: string | undefined): void {
    const file = path === undefined ? undefined : new StateFile(path)
    if (file?.path !== this.#file?.path) this.#file = file
  }

  /** Reads the file into the history, and returns the verdicts in it if it is young enough. Errors are reported. */
  load(): ReadonlyMap<string, KnownState> {
    const { clock, history, say } = this.#parts
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
    const states = new Map<string, KnownState>()
    const saved = this.#read(wallMs - nowMs)
    if (saved === undefined) return states
    const ageMs = wallMs - saved.writtenAtMs
    // A file of the future: the clock has been set back since.
    const isFresh = Math.abs(ageMs) <= VERDICTS_KEPT_MS
    for (const [name, { flips, results, state }] of saved.remotes) {
      history.restore(name, notAfter(nowMs, results), notAfter(nowMs, flips))
      if (!isFresh || state?.isDown !== true) continue
      states.set(name, { isDown: true, sinceMs: Math.min(state.sinceMs, nowMs) })
    }
    if (!isFresh)
      say(
        INFO,
        `the state file is ${formatDuration(Math.abs(ageMs))} old: remotes that were down are tried again`,
      )
    return states
  }

  /** Something has changed that is to be saved. */
  noteFlip(): void {
    this.#saveAfter(SAVE_FLIPS_AFTER_MS)
  }

  noteResult(): void {
    this.#saveAfter(SAVE_RESULTS_AFTER_MS)
  }

  /** Writes it for the last time: a successor may read it now, and write it from then on. Idempotent. */
  end(): void {
    clearTimeout(this.#timer)
    if (this.#isEnded) return
    this.#isEnded = true
    try {
      this.#file?.writeLast(this.#text())
    } catch (error) {
      this.#reportFailure(error)
    }
  }

  #read(offsetMs: number): SavedState | undefined {
    try {
      const text = this.#file?.read()
      if (text === undefined) return undefined
      const saved = parseSaved(text, offsetMs)
      if (typeof saved !== 'string') return saved
      this.#reportUnusable(saved)
    } catch (error) {
      this.#reportUnusable(error instanceof Error ? error.message : String(error))
    }
    return undefined
  }

  #reportUnusable(why: string): void {
    this.#parts.say(WARNING, `the state file ${this.#file?.path} cannot be used and will be replaced: ${why}`)
  }

  /** In a timer that is set already if that is early enough. */
  #saveAfter(ms: number): void {
    const dueMs = this.#parts.clock.monotonicMs() + ms
    if (this.#file === undefined || this.#isEnded || this.#dueMs <= dueMs) return
    this.#dueMs = dueMs
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#save(), ms)
    // The end writes it, too.
    this.#timer.unref()
  }

  async #save(): Promise<void> {
    this.#dueMs = Number.POSITIVE_INFINITY
    try {
      await this.#file?.write(this.#text())
      this.#hasFailed = false
    } catch (error) {
      if (!this.#hasFailed) this.#reportFailure(error)
      this.#hasFailed = true
    }
  }

  #reportFailure(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error)
    this.#parts.say(WARNING, `cannot write the state file: ${why}`)
  }

  *#text(): Generator<string> {
    const { answers, clock } = this.#parts
    const [nowMs, wallMs] = [clock.monotonicMs(), clock.wallMs()]
    yield* savedText(this.#remotes(), answers(), wallMs, wallMs - nowMs)
  }

  *#remotes(): Generator<readonly [string, SavedRemote]> {
    const { history, names, verdicts } = this.#parts
    for (const name of names()) {
      const [state, results, flips] = [verdicts.stateOf(name), history.results(name), history.flips(name)]
      if (state !== undefined || results.length > 0 || flips.length > 0)
        yield [name, { state, results, flips }]
    }
  }
}

/** The clock may have been set back since: nothing has happened in the future. */
function notAfter(nowMs: number, records: readonly HealthRecord[]): readonly HealthRecord[] {
  return records.map((record) => ({ ...record, atMs: Math.min(record.atMs, nowMs) }))
}
