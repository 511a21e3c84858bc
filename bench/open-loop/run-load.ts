import { KeptConnections } from './kept-connections.js'
import { Pacer } from './pacer.js'
import { openSurroundings, type Surroundings } from './surroundings.js'
import { Tally, type TallyReport } from './tally.js'
import { WholeConnections } from './whole-connections.js'

export interface Load {
  /** Of the relay, on 127.0.0.1. */
  readonly port: number
  readonly seconds: number
  /** The same load before the measurement, not in the percentiles: caches, compilers and connections settle. */
  readonly leadInSeconds: number
  /** Requests go to connections that are open before the first of them; 0 for none. */
  readonly connections: number
  readonly requestsPerSecond: number
  /** New connections with one request each; 0 for none. */
  readonly connectionsPerSecond: number
}

export interface LoadReport {
  /** From the due time of the first to the last reply. */
  readonly seconds: number
  /** On kept connections; absent if none were requested. */
  readonly requests?: TallyReport
  readonly wholeConnections?: TallyReport
}

/** Requests without a reply this long after the last one count as broken. */
const REPLY_LIMIT_MS = 3_000
/** From opening the connections to the first request: the relay connects its side meanwhile. */
const START_DELAY_MS = 20
/** Interval to check whether all replies have arrived. */
const LAST_TURNS_MS = 1

class LoadRun {
  readonly #load: Load
  readonly #around: Surroundings
  readonly #requests = new Tally()
  readonly #whole = new Tally()
  readonly #onOver = (): void => void this.#running--
  #running = 0
  #startMs = 0

  constructor(load: Load) {
    this.#load = load
    this.#around = openSurroundings(load.port)
  }

  run(): LoadReport {
    const { clock, loop } = this.#around
    this.#open()
    while (this.#running > 0) loop.turn(Number.POSITIVE_INFINITY)
    const limitMs = clock.monotonicMs() + REPLY_LIMIT_MS
    while (this.#pending > 0 && loop.nowMs < limitMs) loop.turn(LAST_TURNS_MS)
    const seconds = (clock.monotonicMs() - this.#startMs) / 1e3
    for (const tally of [this.#requests, this.#whole]) tally.broke(tally.pending, 'no reply')
    const { requestsPerSecond, connectionsPerSecond } = this.#load
    return {
      seconds,
      ...(requestsPerSecond > 0 ? { requests: this.#requests.report } : {}),
      ...(connectionsPerSecond > 0 ? { wholeConnections: this.#whole.report } : {}),
    }
  }

  get #pending(): number {
    return this.#requests.pending + this.#whole.pending
  }

  /** Opens the kept connections; everything begins when they are open. */
  #open(): void {
    const { connections, requestsPerSecond, connectionsPerSecond } = this.#load
    const { clock } = this.#around
    const whole = new WholeConnections(this.#around, this.#whole)
    const opening = new Pacer(clock, (dueMs) => whole.open(dueMs), this.#onOver)
    if (requestsPerSecond === 0) {
      this.#running = 1
      this.#begin([[opening, connectionsPerSecond]])
      return
    }
    this.#running = connectionsPerSecond > 0 ? 2 : 1
    const requesting = new Pacer(clock, (dueMs) => kept.request(dueMs), this.#onOver)
    const kept = new KeptConnections(this.#around, this.#requests, connections, () =>
      this.#begin([
        [requesting, requestsPerSecond],
        [opening, connectionsPerSecond],
      ]),
    )
  }

  #begin(pacers: readonly (readonly [Pacer, number])[]): void {
    const { leadInSeconds, seconds } = this.#load
    this.#startMs = this.#around.clock.monotonicMs() + START_DELAY_MS
    for (const tally of [this.#requests, this.#whole]) {
      tally.recordFromMs = this.#startMs + leadInSeconds * 1e3
    }
    for (const [pacer, perSecond] of pacers) {
      if (perSecond === 0) continue
      pacer.start(this.#around.loop, this.#startMs, { perSecond, seconds: leadInSeconds + seconds })
    }
  }
}

/** Sends at fixed rates, independent of replies, and reports the time since each request was due. Blocks. */
export function runLoad(load: Load): LoadReport {
  return new LoadRun(load).run()
}
