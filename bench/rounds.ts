import { Bench, type Effort, type Measurement, measure } from './measure.js'
import { isMeasuredWith, type Plan } from './plan.js'
import type { Relay } from './relays/relay.js'
import { type Failure, FOREIGN_SHARE_MAX, type Sample } from './sample.js'
import type { Workload } from './workloads/workload.js'

/** Other load that is still there after this many tries will stay. */
const REPEATS_EACH_MAX = 2

export interface Results {
  readonly samples: Sample[]
  readonly failures: Failure[]
}

/** Called with each measurement as it ends. */
export interface Progress {
  measured(sample: Sample, workload: Workload): void
  failed(failure: Failure): void
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Every relay in turn with every workload, repeatedly: A B C A B C. */
export class Rounds {
  readonly results: Results = { samples: [], failures: [] }
  readonly #plan: Plan
  readonly #effort: Effort
  readonly #progress: Progress
  #bench: Bench | undefined
  #repeatsLeft: number
  #isStopped = false

  constructor(plan: Plan, effort: Effort, progress: Progress) {
    this.#plan = plan
    this.#effort = effort
    this.#repeatsLeft = effort.repeatsMax
    this.#progress = progress
  }

  /** Ends before a round that would, at the pace of earlier ones, end after the limit. */
  async run(rounds: number, limitSeconds = Number.POSITIVE_INFINITY): Promise<void> {
    const startMs = performance.now()
    for (let round = 1; round <= rounds; round++) {
      const elapsedMs = performance.now() - startMs
      const roundMs = round === 1 ? 0 : elapsedMs / (round - 1)
      if (elapsedMs + roundMs > limitSeconds * 1e3) return
      for (const workload of this.#plan.workloads) await this.#alternate(workload, round)
    }
  }

  /** Ends the running measurement and all its programs; nothing is started afterwards. */
  stop(): void {
    this.#isStopped = true
    this.#bench?.clearAtOnce()
  }

  async #alternate(workload: Workload, round: number): Promise<void> {
    for (const relay of this.#plan.relays) {
      if (!this.#isStopped && isMeasuredWith(relay, workload)) await this.#one(relay, workload, round)
    }
  }

  async #one(relay: Relay, workload: Workload, round: number): Promise<void> {
    try {
      const sample = { ...(await this.#calmest(relay, workload)), round }
      this.results.samples.push(sample)
      this.#progress.measured(sample, workload)
    } catch (error) {
      // A failure because the run ended its programs is not the relay's fault.
      if (!this.#isStopped) this.#fail(relay, workload, round, textOf(error))
    }
  }

  /**
   * Measures again if other programs disturbed it, and keeps the calmer of the measurements. The choice depends
   * on the others' CPU time alone, never on the outcome.
   */
  async #calmest(relay: Relay, workload: Workload): Promise<Measurement> {
    let best = await this.#measure(relay, workload)
    for (let i = 0; i < REPEATS_EACH_MAX && best.foreignShare > FOREIGN_SHARE_MAX; i++) {
      if (this.#repeatsLeft-- <= 0) break
      const next = await this.#measure(relay, workload)
      if (next.foreignShare < best.foreignShare) best = next
    }
    return best
  }

  async #measure(relay: Relay, workload: Workload): Promise<Measurement> {
    const bench = new Bench()
    this.#bench = bench
    try {
      const sample = await measure(bench, relay, workload, this.#effort)
      if (sample.work.faults.length > 0) throw new Error(sample.work.faults.join('; '))
      return sample
    } finally {
      await bench.clear()
      this.#bench = undefined
    }
  }

  #fail(relay: Relay, workload: Workload, round: number, reason: string): void {
    const failure = { relay: relay.name, workload: workload.name, round, reason }
    this.results.failures.push(failure)
    this.#progress.failed(failure)
  }
}
