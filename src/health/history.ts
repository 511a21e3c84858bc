/**
 * What happened to each remote: the results of its last health checks, and every change of its verdict. In the memory of
 * the head; `saved-state.ts` writes it to the state file.
 *
 * Memory of one remote: 13 bytes for each record, which is 14 KB when both rings are full, and the texts of its
 * reasons: at most 64 of 120 characters, in practice a few. A thousand remotes take 15 MB, and never more than 32 MB.
 */

/** Of one remote. */
export const RESULTS_MAX = 1_000
export const FLIPS_MAX = 100
/** Different reasons that are stored of one remote, and the characters of each. */
export const REASONS_MAX = 64
const REASON_LENGTH_MAX = 120

/** Records that a ring begins with; it doubles when it is full. */
const RECORDS_FIRST = 16

/** Instead of a reason for which there is no room. */
export const OTHER_REASON = 'another reason'
const OTHER = 1

/** The result of a health check, or a change of the verdict. */
export interface HealthRecord {
  /** CLOCK_MONOTONIC. */
  readonly atMs: number
  /** Of a change: the new verdict. */
  readonly isUp: boolean
  /** '' if there is nothing to say. */
  readonly reason: string
  /** Time that the check took; 0 for a change. */
  readonly latencyMs: number
}

/** The history of all remotes, by the name under which their health is known. */
export class History {
  #remotes = new Map<string, RemoteHistory>()

  /** Forgets all remotes but these. */
  keepOnly(names: Iterable<string>): void {
    const kept = new Map<string, RemoteHistory>()
    for (const name of names) {
      const known = this.#remotes.get(name)
      if (known !== undefined) kept.set(name, known)
    }
    this.#remotes = kept
  }

  addResult(name: string, record: HealthRecord): void {
    this.#of(name).addResult(record)
  }

  addFlip(name: string, record: HealthRecord): void {
    this.#of(name).addFlip(record)
  }

  /** From before a restart; oldest first. */
  restore(name: string, results: readonly HealthRecord[], flips: readonly HealthRecord[]): void {
    const remote = this.#of(name)
    for (const record of results) remote.addResult(record)
    for (const record of flips) remote.addFlip(record)
  }

  /** Oldest first. */
  results(name: string): readonly HealthRecord[] {
    return this.#remotes.get(name)?.results ?? []
  }

  /** Undefined: there is none. */
  lastResult(name: string): HealthRecord | undefined {
    return this.#remotes.get(name)?.lastResult
  }

  /** Oldest first. */
  flips(name: string): readonly HealthRecord[] {
    return this.#remotes.get(name)?.flips ?? []
  }

  #of(name: string): RemoteHistory {
    const known = this.#remotes.get(name)
    if (known !== undefined) return known
    const added = new RemoteHistory()
    this.#remotes.set(name, added)
    return added
  }
}

class RemoteHistory {
  readonly #results = new RecordRing(RESULTS_MAX)
  readonly #flips = new RecordRing(FLIPS_MAX)
  /** By the index that records have. */
  readonly #reasons: string[] = ['', OTHER_REASON]
  /** By reason: the records that have it. */
  readonly #uses = new Uint16Array(REASONS_MAX)

  get results(): readonly HealthRecord[] {
    return this.#results.read(this.#reasons)
  }

  get lastResult(): HealthRecord | undefined {
    return this.#results.last(this.#reasons)
  }

  get flips(): readonly HealthRecord[] {
    return this.#flips.read(this.#reasons)
  }

  addResult(record: HealthRecord): void {
    this.#add(this.#results, record)
  }

  addFlip(record: HealthRecord): void {
    this.#add(this.#flips, record)
  }

  #add(ring: RecordRing, record: HealthRecord): void {
    const reason = this.#indexOf(record.reason)
    const replaced = ring.add(record, reason)
    this.#uses[reason] = (this.#uses[reason] as number) + 1
    if (replaced !== undefined) this.#uses[replaced] = (this.#uses[replaced] as number) - 1
  }

  #indexOf(given: string): number {
    const reason = given.slice(0, REASON_LENGTH_MAX)
    const known = this.#reasons.indexOf(reason)
    if (known >= 0) return known
    const unused =
      this.#reasons.length < REASONS_MAX ? this.#reasons.length : this.#uses.indexOf(0, OTHER + 1)
    if (unused < 0) return OTHER
    this.#reasons[unused] = reason
    return unused
  }
}

/** The last records of one kind, in typed arrays. */
class RecordRing {
  readonly #max: number
  #atMs = new Float64Array(RECORDS_FIRST)
  #latencyMs = new Float32Array(RECORDS_FIRST)
  /** Twice the index of the reason, plus 1 for up. */
  #facts = new Uint8Array(RECORDS_FIRST)
  /** Records that were added so far. */
  #added = 0

  constructor(max: number) {
    this.#max = max
  }

  /** Returns the reason of the record that it replaces; undefined: none. */
  add({ atMs, isUp, latencyMs }: HealthRecord, reason: number): number | undefined {
    if (this.#added === this.#atMs.length && this.#added < this.#max) this.#grow()
    const { length } = this.#atMs
    const at = this.#added % length
    const replaced = this.#added < length ? undefined : (this.#facts[at] as number) >> 1
    this.#added++
    this.#atMs[at] = atMs
    this.#latencyMs[at] = latencyMs
    this.#facts[at] = 2 * reason + (isUp ? 1 : 0)
    return replaced
  }

  read(reasons: readonly string[]): readonly HealthRecord[] {
    const { length } = this.#atMs
    const first = Math.max(0, this.#added - length)
    return Array.from({ length: this.#added - first }, (_, i) =>
      this.#recordAt((first + i) % length, reasons),
    )
  }

  last(reasons: readonly string[]): HealthRecord | undefined {
    return this.#added === 0 ? undefined : this.#recordAt((this.#added - 1) % this.#atMs.length, reasons)
  }

  #recordAt(at: number, reasons: readonly string[]): HealthRecord {
    const facts = this.#facts[at] as number
    return {
      atMs: this.#atMs[at] as number,
      isUp: facts % 2 === 1,
      reason: reasons[facts >> 1] ?? OTHER_REASON,
      latencyMs: this.#latencyMs[at] as number,
    }
  }

  /** Only before the first record is replaced, so their order is kept. */
  #grow(): void {
    const length = Math.min(2 * this.#atMs.length, this.#max)
    const [atMs, latencyMs, facts] = [this.#atMs, this.#latencyMs, this.#facts]
    this.#atMs = new Float64Array(length)
    this.#latencyMs = new Float32Array(length)
    this.#facts = new Uint8Array(length)
    this.#atMs.set(atMs)
    this.#latencyMs.set(latencyMs)
    this.#facts.set(facts)
  }
}
