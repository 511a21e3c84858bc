/**
 * Checks each remote at its times: spread, so that a thousand remotes are never checked at once, and one at a time each.
 * Lives in the head, for all generations and children.
 */
import type { Boundary } from '../observe/boundary.js'
import type { ProbeAdvice } from './probe-checks.js'
import { ProbeFailure } from './probe-failure.js'
import type { ProbedRemote, ProbePlan, ProbeResult } from './probe-plan.js'
import { ProbeSession, STALL_MS } from './probe-session.js'
import { runProbe } from './probe-types.js'

/** How soon a remote is checked again: its state is settled and up, settled and down, or about to change. */
export type Pace = 'up' | 'down' | 'changing'

export interface ProberParts {
  /** CLOCK_MONOTONIC. */
  nowMs(): number
  /** From 0 up to 1. */
  random(): number
  /** A check has ended. Returns how soon the next one is due. */
  onResult(remote: ProbedRemote, result: ProbeResult): Pace
  readonly boundary: Boundary
}

/** A remote that is checked. */
interface Watched {
  remote: ProbedRemote
  /** Until the next check. */
  timer: NodeJS.Timeout | undefined
  /** When it is due. */
  dueMs: number
  /** The check that runs. */
  session: ProbeSession | undefined
  startedMs: number
  pace: Pace
  /** A check is wanted as soon as the present one has ended. */
  isUrgent: boolean
  /** The last check was put off, or its result dropped, because the process stood still: the next one counts. */
  isPutOff: boolean
}

export class Prober {
  readonly #parts: ProberParts
  #watched = new Map<string, Watched>()

  constructor(parts: ProberParts) {
    this.#parts = parts
  }

  /** Sets the remotes that are checked. Those with an equal plan go on as they were, over a reload too. */
  watch(remotes: readonly ProbedRemote[]): void {
    const before = this.#watched
    this.#watched = new Map()
    for (const [i, remote] of remotes.entries()) {
      const known = before.get(remote.name)
      if (known !== undefined && isSamePlan(known.remote.plan, remote.plan)) {
        known.remote = remote
        before.delete(remote.name)
        this.#watched.set(remote.name, known)
      } else this.#begin(remote, i / remotes.length)
    }
    for (const watched of before.values()) stop(watched)
  }

  /** A session has seen the remote fail: checks it at once, but not more often than at the fast interval. */
  checkSoon(name: string): void {
    const watched = this.#watched.get(name)
    if (watched === undefined) return
    watched.isUrgent = true
    if (watched.session === undefined) this.#wait(watched)
  }

  close(): void {
    for (const watched of this.#watched.values()) stop(watched)
    this.#watched.clear()
  }

  /** `share`: its place among all, from 0 up to 1: the first checks of all are spread over one fast interval. */
  #begin(remote: ProbedRemote, share: number): void {
    const watched: Watched = {
      remote,
      timer: undefined,
      session: undefined,
      startedMs: this.#parts.nowMs(),
      pace: 'changing',
      isUrgent: false,
      dueMs: 0,
      isPutOff: false,
    }
    this.#watched.set(remote.name, watched)
    this.#after(watched, share * remote.plan.fastIntervalMs)
  }

  #wait(watched: Watched): void {
    const { plan } = watched.remote
    const { nowMs, random } = this.#parts
    const interval = watched.isUrgent ? plan.fastIntervalMs : intervalOf(plan, watched.pace)
    const varied = interval * (1 + plan.jitter * (2 * random() - 1))
    const presentMs = nowMs()
    this.#after(watched, Math.max(0, watched.startedMs + varied - presentMs), presentMs)
  }

  #after(watched: Watched, delayMs: number, nowMs = this.#parts.nowMs()): void {
    clearTimeout(watched.timer)
    watched.dueMs = nowMs + delayMs
    watched.timer = setTimeout(() => this.#onDue(watched), delayMs)
  }

  #onDue(watched: Watched): void {
    if (this.#parts.nowMs() - watched.dueMs > STALL_MS && !watched.isPutOff) this.#putOff(watched)
    else this.#check(watched)
  }

  /** After a time in which the process stood still, the checks of all remotes are due at once: spreads them again. */
  #putOff(watched: Watched): void {
    watched.isPutOff = true
    this.#after(watched, this.#parts.random() * watched.remote.plan.fastIntervalMs)
  }

  #check(watched: Watched): void {
    const { remote } = watched
    const addresses = remote.addresses()
    watched.startedMs = this.#parts.nowMs()
    watched.isUrgent = false
    // Its name has no address yet: it gets no clients, and nothing can be said of it.
    if (addresses.length === 0) this.#wait(watched)
    else void this.#run(watched, new ProbeSession(addresses, remote.plan, remote, this.#parts.nowMs))
  }

  async #run(watched: Watched, session: ProbeSession): Promise<void> {
    const { boundary, nowMs, onResult } = this.#parts
    const { remote, startedMs } = watched
    watched.session = session
    const outcome = await findingOf(session, remote.plan).catch((error) => {
      boundary.failed('a health check', error, () => {})
      return failed('the check itself failed')
    })
    session.close()
    // Stopped meanwhile, by a reload or the end.
    if (watched.session !== session) return
    watched.session = undefined
    // The server may have answered in time, or have given up waiting.
    if (session.hasStalled && !watched.isPutOff) {
      this.#putOff(watched)
      return
    }
    watched.isPutOff = false
    watched.pace = onResult(watched.remote, { ...outcome, startedMs, latencyMs: nowMs() - startedMs })
    this.#wait(watched)
  }
}

type Outcome = Pick<ProbeResult, 'advice' | 'isUp' | 'text' | 'warning'>

async function findingOf(session: ProbeSession, { check }: ProbePlan): Promise<Outcome> {
  try {
    const { advice, text, warning } = await runProbe(session, check)
    return { isUp: true, text, warning, advice }
  } catch (error) {
    if (error instanceof ProbeFailure) return failed(error.message, error.advice)
    throw error
  }
}

function failed(text: string, advice?: ProbeAdvice): Outcome {
  return { isUp: false, text, warning: undefined, advice }
}

function stop(watched: Watched): void {
  clearTimeout(watched.timer)
  watched.session?.close()
  watched.session = undefined
}

function intervalOf(plan: ProbePlan, pace: Pace): number {
  if (pace === 'up') return plan.intervalMs
  return pace === 'down' ? plan.downIntervalMs : plan.fastIntervalMs
}

/** Plans are plain data, with their keys in the same order. */
function isSamePlan(a: ProbePlan, b: ProbePlan): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
