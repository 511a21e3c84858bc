/** The places of limits that a session has taken. */
import type { Limiter } from '../../admission/limiter.js'
import { UNTRACKED } from '../../base/limit-taking.js'
import type { Session } from '../session.js'

/** A place that moves with a frozen session: the index of the limit, and the entry in its table. */
export type FrozenPlace = readonly [limit: number, entry: number]

/** By index of the limit: the entry, UNTRACKED without one. The array belongs to the record of the session, which is reused. */
export class LimitPlaces {
  readonly #entries: Int32Array
  #count = 0

  constructor(limitCount: number) {
    this.#entries = new Int32Array(limitCount).fill(UNTRACKED)
  }

  get count(): number {
    return this.#count
  }

  /** UNTRACKED: it has no place of this limit. */
  entryOf({ index }: Limiter): number {
    return this.#entries[index] as number
  }

  add({ index }: Limiter, entry: number): void {
    this.#entries[index] = entry
    this.#count++
  }

  /** Calls `act` with each place, and has none afterwards. */
  removeAll(limiters: readonly Limiter[], act: (limiter: Limiter, entry: number) => void): void {
    if (this.#count === 0) return
    this.#count = 0
    for (const limiter of limiters) {
      const entry = this.#entries[limiter.index] as number
      if (entry === UNTRACKED) continue
      this.#entries[limiter.index] = UNTRACKED
      act(limiter, entry)
    }
  }

  get frozen(): readonly FrozenPlace[] {
    return [...this.#entries].flatMap((entry, index) =>
      entry === UNTRACKED ? [] : [[index, entry] as const],
    )
  }
}

/** The session ends. Clients that wait for its places get them. */
export function giveBackPlaces({ limitPlaces, relay }: Session): void {
  const { limitQueues, limits } = relay
  if (limitPlaces === undefined || limits === undefined) return
  limitPlaces.removeAll(limits.limits.all, (limiter, entry) => {
    limiter.giveBack(entry)
    limitQueues.of(limiter)?.serve()
  })
}

/** The session moves to another worker: its places remain taken. */
export function handOverPlaces({ limitPlaces, relay }: Session): void {
  limitPlaces?.removeAll(relay.limits?.limits.all ?? [], (limiter, entry) => limiter.handOver(entry))
}

/** The same, for the worker that receives it. */
export function takeOverPlaces(session: Session, places: readonly FrozenPlace[]): void {
  const all = session.relay.limits?.limits.all ?? []
  for (const [index, entry] of places) {
    const limiter = all[index]
    if (limiter === undefined) continue
    limiter.takeOver(entry)
    session.limitPlaces ??= new LimitPlaces(all.length)
    session.limitPlaces.add(limiter, entry)
  }
}
