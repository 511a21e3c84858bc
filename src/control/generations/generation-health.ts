/** The remotes of one generation as their health is known: under which names, with which checks, in which slots and pools. */
import type { SocketAddress } from '../../base/address.js'
import type { HeadCells } from '../../cells/cells.js'
import type { PoolSettings } from '../../config/table-pool.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { LiveState, StateChange } from '../../engine/live-state.js'
import type { RemotePlan } from '../../engine/plan.js'
import { type PoolLimits, type PoolVerdicts, poolVerdicts } from '../../health/pool-verdicts.js'
import type { ProbedRemote, ProbePlan } from '../../health/probe-plan.js'
import type { ProbeTls } from '../../health/probe-tls.js'
import type { Advice } from '../../health/remote-advice.js'
import type { BackOffTimes, Verdict, WatchedRemote } from '../../health/remote-state.js'
import { backOffNumbers } from '../../plan/compile/pool-plans.js'
import { healthNames, probeAddresses, probePlans } from '../../plan/compile/probe-plans.js'
import { endless } from '../../plan/load/endless.js'

/** One remote in one pool. */
interface Member {
  readonly name: string
  readonly slot: number
  /** In the configuration. */
  readonly weight: number
}

interface PoolHealth {
  readonly name: string
  readonly limits: PoolLimits
  /** Infinity: none. */
  readonly drainDeadlineMs: number
  readonly members: readonly Member[]
}

export class GenerationHealth {
  /** In the order of the configuration: names, checks, slots. Remotes of several pools may share a name. */
  readonly #names: readonly string[]
  readonly #probes: readonly (ProbePlan | undefined)[]
  readonly #backOffs: readonly BackOffTimes[]
  readonly #tls: readonly (ProbeTls | undefined)[]
  readonly #slots: readonly number[]
  readonly #pools: readonly PoolHealth[]
  readonly #verdicts = new Map<string, PoolVerdicts>()

  /** `slots`: in the order of the configuration; those of dynamic routes, which have no health, may follow. */
  constructor(tcprelay: TcprelaySettings, tls: readonly (ProbeTls | undefined)[], slots: readonly number[]) {
    this.#probes = probePlans(tcprelay, tls)
    this.#tls = tls
    this.#names = healthNames(tcprelay.remotes, this.#probes)
    this.#backOffs = tcprelay.remotes.map(({ pool }) => backOffNumbers(tcprelay.pools[pool] as PoolSettings))
    this.#slots = slots.slice(0, this.#names.length)
    this.#pools = poolsOf(tcprelay, this.#names, this.#slots)
  }

  /** `remotes`: those of the plan, by slot. */
  watched(remotes: readonly RemotePlan[]): readonly WatchedRemote[] {
    return this.#names.map((name, i) => {
      const { failAfter, slowStartMs = 0 } = remotes[this.#slots[i] as number] ?? {}
      const backOff = this.#backOffs[i] as BackOffTimes
      return { name, slowStartMs, thresholds: this.#probes[i], failAfter, backOff }
    })
  }

  /** Those with checks. `addressesOf`: the present addresses of the remote in a slot. */
  probed(addressesOf: (slot: number) => readonly SocketAddress[]): readonly ProbedRemote[] {
    const probed = new Map<string, ProbedRemote>()
    for (const [i, name] of this.#names.entries()) {
      const [plan, slot] = [this.#probes[i], this.#slots[i]]
      if (plan === undefined || slot === undefined || probed.has(name)) continue
      probed.set(name, {
        name,
        plan,
        tls: this.#tls[i],
        addresses: () => probeAddresses(plan, addressesOf(slot)),
      })
    }
    return [...probed.values()]
  }

  /** The remotes whose checks give advice. */
  get advised(): ReadonlySet<string> {
    return new Set(this.#names.filter((_, i) => this.#probes[i]?.check.type === 'agent'))
  }

  /** The live state of a remote with this advice. `remotes`: those of the plan, by slot. */
  advisedState(
    name: string,
    { adminState, drainsSinceMs, weightPercent }: Advice,
    remotes: readonly RemotePlan[],
  ): readonly StateChange[] {
    if (!this.advised.has(name)) return []
    return this.#slots.flatMap((remoteSlot, i) => {
      if (this.#names[i] !== name) return []
      const { weight = 1 } = remotes[remoteSlot] ?? {}
      return [
        { what: 'weight', remoteSlot, weight: (weight * weightPercent) / 100 },
        { what: 'admin-state', remoteSlot, state: adminState, sinceMs: drainsSinceMs },
      ]
    })
  }

  /** How long sessions of remotes that drain may go on, by name; those without a deadline are left out. */
  drainDeadlines({ adminStates }: Pick<LiveState, 'adminStates'>): ReadonlyMap<string, number> {
    const deadlines = new Map<string, number>()
    for (const { drainDeadlineMs, members } of this.#pools) {
      if (drainDeadlineMs === Number.POSITIVE_INFINITY) continue
      for (const { name, slot } of members) {
        const { state = 'ready' } = adminStates.get(slot) ?? {}
        // A remote in several pools is logged once.
        if (state !== 'ready')
          deadlines.set(name, Math.min(drainDeadlineMs, deadlines.get(name) ?? drainDeadlineMs))
      }
    }
    return deadlines
  }

  /** What its workers read now, by pool. */
  get pools(): ReadonlyMap<string, PoolVerdicts> {
    return this.#verdicts
  }

  /**
   * Writes the verdicts on the remotes to the cells, where the workers read them. `changed`: only those of pools with this
   * remote.
   */
  applyVerdicts(
    cells: Pick<HeadCells, 'upAtMs' | 'verdict'>,
    verdictOf: (name: string) => Verdict,
    live: Pick<LiveState, 'adminStates' | 'weights'>,
    changed?: string,
  ): void {
    for (const { limits, members, name } of this.#pools) {
      if (changed !== undefined && !members.some((member) => member.name === changed)) continue
      const known = members.map((member) => {
        const weight = live.weights.get(member.slot) ?? member.weight
        const isInService = weight > 0 && live.adminStates.get(member.slot)?.state !== 'maint'
        return { verdict: verdictOf(member.name), isInService }
      })
      const verdicts = poolVerdicts(limits, known)
      this.#verdicts.set(name, verdicts)
      for (const [i, { slot }] of members.entries()) {
        // First: a worker that reads the new verdict must not read the end of an older outage.
        cells.upAtMs[slot] = known[i]?.verdict.upAtMs ?? 0
        Atomics.store(cells.verdict, slot, verdicts.cells[i] as number)
      }
    }
  }
}

function poolsOf(
  { pools, remotes }: TcprelaySettings,
  names: readonly string[],
  slots: readonly number[],
): readonly PoolHealth[] {
  const members: Member[][] = pools.map(() => [])
  for (const [i, { pool, weight }] of remotes.entries()) {
    const [name, slot] = [names[i], slots[i]]
    if (name !== undefined && slot !== undefined) members[pool]?.push({ name, slot, weight })
  }
  return pools.map(({ drainDeadlineMs, maxEjectedPercent, name, panicPercent }, pool) => ({
    name,
    drainDeadlineMs: endless(drainDeadlineMs),
    limits: { maxEjected: maxEjectedPercent / 100, panic: panicPercent / 100 },
    members: members[pool] ?? [],
  }))
}
