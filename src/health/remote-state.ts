/** What the head knows of one remote, and the verdict that follows from it. `remote-verdicts.ts` changes it. */
import type { FailAfter } from '../base/fail-after.js'
import { FailureWindow } from './failure-window.js'
import type { ProbePlan } from './probe-plan.js'

/** What the workers read of a remote, before the limits of its pools are applied (`pool-verdicts.ts`). */
export interface Verdict {
  readonly isDown: boolean
  /** It is down and gets no clients. Otherwise the workers go by their own back-off. */
  readonly isExcluded: boolean
  /** It is excluded by the failures of sessions. */
  readonly isEjected: boolean
  /** When its last outage began. */
  readonly downAtMs: number
  /** When its last outage ended, CLOCK_MONOTONIC; 0: it has not had one. */
  readonly upAtMs: number
}

/** Results in a row that end an outage, and that begin one; the first result of all decides alone. */
export type Thresholds = Pick<ProbePlan, 'fall' | 'rise'>

/** Sessions have excluded the remote. */
export interface Ejection {
  /** End of the back-off. */
  untilMs: number
  /** The back-off is over and no check decides: the remote is tried by all workers. */
  isOnTrial: boolean
  /** When the trial began, and when it first succeeded; 0: it has not. */
  trialAtMs: number
  provenAtMs: number
}

/** Time for which sessions exclude a remote: the first time, and the maximum to which it doubles. */
export interface BackOffTimes {
  readonly firstMs: number
  readonly maxMs: number
}

const DEFAULT_BACK_OFF: BackOffTimes = { firstMs: 1_000, maxMs: 30_000 }

/** Times are those of the evidence. */
export interface RemoteState {
  isDown: boolean
  /** When its present state began; undefined: nothing is known of it yet. */
  sinceMs: number | undefined
  upAtMs: number
  downAtMs: number
  /** Duration of its slow start; 0: it has none. */
  slowStartMs: number
  /** Undefined: it has no health check, and its clients are the only evidence. */
  thresholds: Thresholds | undefined
  /** A check has had a result. */
  isChecked: boolean
  /** The last results of checks: so many in a row were like this. */
  isPassing: boolean
  streak: number
  /** Undefined: without a check the first failure of a session makes it down, with one none does. */
  failAfter: FailAfter | undefined
  window: FailureWindow | undefined
  /** Undefined: it is up, or down for another reason. */
  ejection: Ejection | undefined
  /** Ejections in a row, without a longer time up between them. */
  ejections: number
  backOff: BackOffTimes
}

/** A remote of the configuration in force. */
export interface WatchedRemote {
  readonly name: string
  /** @default 0 */
  readonly slowStartMs?: number
  /** Of its health check; undefined: it has none. */
  readonly thresholds?: Thresholds | undefined
  readonly failAfter?: FailAfter | undefined
  /** @default 1 s, up to 30 s */
  readonly backOff?: BackOffTimes
}

/** The state of a remote when the program ended. */
export interface KnownState {
  readonly isDown: boolean
  readonly sinceMs: number
}

export const NO_OUTAGE: Verdict = {
  isDown: false,
  isExcluded: false,
  isEjected: false,
  downAtMs: 0,
  upAtMs: 0,
}

export function verdictOf({ downAtMs, ejection, isDown, thresholds, upAtMs }: RemoteState): Verdict {
  const isEjected = isDown && ejection !== undefined && !ejection.isOnTrial
  const isFailedByCheck = isDown && ejection === undefined && thresholds !== undefined
  return { isDown, isExcluded: isEjected || isFailedByCheck, isEjected, downAtMs, upAtMs }
}

/** By name: remotes of several pools with the same name are one. The first that has a check or `fail after` decides. */
export function mergedRemotes(remotes: readonly WatchedRemote[]): ReadonlyMap<string, WatchedRemote> {
  const merged = new Map<string, WatchedRemote>()
  for (const remote of remotes) {
    const { backOff = DEFAULT_BACK_OFF, failAfter, name, slowStartMs = 0, thresholds } = remote
    const same = merged.get(name)
    merged.set(name, {
      name,
      slowStartMs: Math.max(slowStartMs, same?.slowStartMs ?? 0),
      thresholds: same?.thresholds ?? thresholds,
      failAfter: same?.failAfter ?? failAfter,
      backOff: same?.failAfter === undefined ? backOff : (same.backOff ?? backOff),
    })
  }
  return merged
}

/** The state of a remote under a new configuration. `saved`: from before a restart. */
export function nextState(
  { backOff = DEFAULT_BACK_OFF, failAfter, slowStartMs = 0, thresholds }: WatchedRemote,
  before: RemoteState | undefined,
  saved: KnownState | undefined,
  nowMs: number,
): RemoteState {
  const state = { ...(before ?? stateFrom(saved)), slowStartMs, backOff }
  if (thresholds === undefined || state.thresholds === undefined) {
    state.isChecked = false
    state.streak = 0
  }
  state.thresholds = thresholds
  setFailAfter(state, failAfter)
  // Without a check nothing is unknown: a remote that has not failed is up.
  if (thresholds === undefined) state.sinceMs ??= nowMs
  if (failAfter === undefined) state.ejection = undefined
  // Nothing else would end the outage.
  else if (state.isDown && thresholds === undefined) state.ejection ??= trialFrom(nowMs)
  return state
}

export function trialFrom(nowMs: number): Ejection {
  return { untilMs: nowMs, isOnTrial: true, trialAtMs: nowMs, provenAtMs: 0 }
}

function stateFrom(saved: KnownState | undefined): RemoteState {
  const isDown = saved?.isDown === true
  const sinceMs = isDown ? saved.sinceMs : undefined
  return {
    isDown,
    sinceMs,
    upAtMs: 0,
    downAtMs: sinceMs ?? 0,
    slowStartMs: 0,
    thresholds: undefined,
    isChecked: false,
    isPassing: false,
    streak: 0,
    failAfter: undefined,
    window: undefined,
    ejection: undefined,
    ejections: 0,
    backOff: DEFAULT_BACK_OFF,
  }
}

/** Failures that were counted so far are kept if the numbers are the same. */
function setFailAfter(state: RemoteState, failAfter: FailAfter | undefined): void {
  const { failAfter: before } = state
  const isSame = before?.count === failAfter?.count && before?.withinMs === failAfter?.withinMs
  state.failAfter = failAfter
  if (!isSame) state.window = failAfter && new FailureWindow(failAfter)
}
