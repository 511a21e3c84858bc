/** The head's judgement of remotes, common to all generations: checks, evidence of sessions, history, state file. */
import type { FoundMember } from '../../discovery/source.js'
import { DrainLog } from '../../health/drain-log.js'
import { type HealthRecord, History } from '../../health/history.js'
import { PanicLog } from '../../health/panic-log.js'
import type { ProbedRemote, ProbeResult } from '../../health/probe-plan.js'
import { ProbeWarnings } from '../../health/probe-warnings.js'
import { type Pace, Prober } from '../../health/prober.js'
import { type Advice, RemoteAdvice } from '../../health/remote-advice.js'
import type { KnownState, Verdict } from '../../health/remote-state.js'
import { RemoteVerdicts } from '../../health/remote-verdicts.js'
import type { Clock } from '../../kernel/system.js'
import type { Boundary } from '../../observe/boundary.js'
import type { RemoteEvidence } from '../../observe/remote-evidence.js'
import type { Say } from '../../observe/trace.js'
import type { Generation } from './generation.js'
import { SavedHealth } from './saved-health.js'

/** Exclusions last a second or longer. */
const EXPIRE_EVERY_MS = 100

export interface HealthServiceParts {
  readonly say: Say
  readonly clock: Clock
  readonly boundary: Boundary
  /** Those whose workers read verdicts. */
  generations(): Iterable<Generation>
  /** The last answers of discovery, for the state file. */
  answers(): Iterable<readonly [pool: string, members: readonly FoundMember[]]>
}

export class HealthService {
  readonly history = new History()
  readonly #parts: HealthServiceParts
  readonly #verdicts: RemoteVerdicts
  readonly #advice: RemoteAdvice
  readonly #prober: Prober
  readonly #warnings: ProbeWarnings
  readonly #panicLog: PanicLog
  readonly #drainLog: DrainLog
  readonly #saved: SavedHealth
  /** Checks have begun. */
  #isChecking = false
  /** The generation in force. */
  #present: Generation | undefined
  /** Runs while sessions' failures exclude remotes. */
  #expiry: NodeJS.Timeout | undefined

  /** `stateFile`: undefined for none. */
  constructor(parts: HealthServiceParts, stateFile: string | undefined) {
    const { boundary, clock, say } = parts
    const nowMs = () => clock.monotonicMs()
    this.#parts = parts
    const events = {
      onVerdict: (name: string) => this.#apply(name),
      onFlip: (name: string, flip: Omit<HealthRecord, 'latencyMs'>) => {
        this.history.addFlip(name, { ...flip, latencyMs: 0 })
        this.#saved.noteFlip()
      },
    }
    this.#verdicts = new RemoteVerdicts(say, events, nowMs)
    this.#advice = new RemoteAdvice(
      say,
      (name) => {
        for (const generation of parts.generations()) generation.followAdvice(name)
      },
      nowMs,
    )
    this.#prober = new Prober({
      nowMs,
      random: Math.random,
      onResult: ({ name }, result) => this.#onResult(name, result),
      boundary,
    })
    this.#warnings = new ProbeWarnings(say, nowMs)
    this.#panicLog = new PanicLog(say)
    this.#drainLog = new DrainLog(say)
    const names = () => this.#verdicts.names
    this.#saved = new SavedHealth(
      { say, clock, history: this.history, verdicts: this.#verdicts, names, answers: parts.answers },
      stateFile,
    )
  }

  of(name: string): Verdict {
    return this.#verdicts.of(name)
  }

  adviceOf(name: string): Advice | undefined {
    return this.#advice.of(name)
  }

  /** Judges the remotes of the first generation. */
  begin(generation: Generation): void {
    this.#watch(generation, this.#saved.load())
  }

  /** Judges and checks those of the generation that is in force from now on. */
  follow(generation: Generation, stateFile: string | undefined): void {
    this.#saved.use(stateFile)
    this.#watch(generation)
    this.check(generation.probedRemotes)
  }

  /** The members of its pools have changed; `areOthers`: some have come or gone. Checks begin with `check`. */
  followMembers(generation: Generation, areOthers: boolean): void {
    this.#saved.noteFlip()
    if (!areOthers) return
    this.#watch(generation)
    if (this.#isChecking) this.check(generation.probedRemotes)
  }

  check(remotes: readonly ProbedRemote[]): void {
    this.#isChecking = true
    this.#prober.watch(remotes)
    this.#warnings.watch(remotes)
  }

  /** What a session has seen of a remote. */
  hear(evidence: RemoteEvidence): void {
    this.#verdicts.record(evidence)
    if (!evidence.isUp) this.#prober.checkSoon(evidence.name)
  }

  /** A generation has applied verdicts, for whatever reason. */
  review(generation: Generation): void {
    if (generation !== this.#present) return
    this.#panicLog.review(generation.poolVerdicts)
    this.#drainLog.review(generation.drainDeadlines)
  }

  end(): void {
    this.#prober.close()
    clearInterval(this.#expiry)
    this.#saved.end()
  }

  #watch(generation: Generation, states?: ReadonlyMap<string, KnownState>): void {
    this.#present = generation
    this.#verdicts.watch(generation.watchedRemotes, states)
    this.#advice.watch(generation.advisedRemotes)
    this.history.keepOnly(this.#verdicts.names)
    this.#expireWhileNeeded()
    this.review(generation)
  }

  #onResult(name: string, result: ProbeResult): Pace {
    const { isUp, latencyMs, startedMs, text } = result
    this.history.addResult(name, { atMs: startedMs, isUp, reason: text, latencyMs })
    this.#saved.noteResult()
    this.#warnings.check(name, result)
    this.#advice.hear(name, result.advice)
    return this.#verdicts.check(name, result)
  }

  /** The generation in force is the last one: old ones with other limits may share its cells. */
  #apply(name: string): void {
    const present = this.#present
    for (const generation of this.#parts.generations())
      if (generation !== present) generation.applyVerdict(name)
    present?.applyVerdict(name)
    if (present !== undefined) this.review(present)
    this.#expireWhileNeeded()
  }

  #expireWhileNeeded(): void {
    if (!this.#verdicts.hasEjected) {
      clearInterval(this.#expiry)
      this.#expiry = undefined
    } else this.#expiry ??= setInterval(() => this.#verdicts.expire(), EXPIRE_EVERY_MS)
  }
}
