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
import { keyInPool, remoteKey } from '../../plan/compile/socket-names.js'
import { endless } from '../../plan/load/endless.js'
import type { RemoteOverride } from './remote-overrides.js'

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
  members: readonly Member[]
}

/** What is wanted of remotes, by name and by key; undefined: what is configured. */
export interface Wishes {
  adviceOf(name: string): Advice | undefined
  overrideOf(key: string): RemoteOverride | undefined
}

export class GenerationHealth {
  /**
   * In the order of the configuration: names, checks, slots. Remotes of several pools may share a name. Undefined: a slot for
   * a member of discovery that is empty.
   */
  readonly #names: (string | undefined)[]
  /** In the same order: pool and name. */
  readonly #keys: (string | undefined)[]
  readonly #weights: number[]
  readonly #poolOf: readonly number[]
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
    const { pools, remotes } = tcprelay
    const names = healthNames(remotes, this.#probes)
    this.#names = remotes.map(({ target }, i) => (target.kind === 'discovered' ? undefined : names[i]))
    this.#keys = remotes.map((remote, i) => (this.#names[i] === undefined ? undefined : remoteKey(remote)))
    this.#weights = remotes.map(({ weight }) => weight)
    this.#poolOf = remotes.map(({ pool }) => pool)
    this.#backOffs = tcprelay.remotes.map(({ pool }) => backOffNumbers(tcprelay.pools[pool] as PoolSettings))
    this.#slots = slots.slice(0, this.#names.length)
    this.#pools = pools.map(({ drainDeadlineMs, maxEjectedPercent, name, panicPercent }) => ({
      name,
      drainDeadlineMs: endless(drainDeadlineMs),
      limits: { maxEjected: maxEjectedPercent / 100, panic: panicPercent / 100 },
      members: [],
    }))
    this.#findMembers()
  }

  /** `remotes`: those of the plan, by slot. */
  watched(remotes: readonly RemotePlan[]): readonly WatchedRemote[] {
    return this.#names.flatMap((name, i) => {
      if (name === undefined) return []
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
      if (name === undefined || plan === undefined || slot === undefined || probed.has(name)) continue
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
    return new Set(
      this.#names.flatMap((name, i) => (this.#probes[i]?.check.type === 'agent' ? (name ?? []) : [])),
    )
  }

  /** Members of discovery have come, gone or changed. */
  replaceMembers({ joined, left }: Pick<Extract<StateChange, { what: 'members' }>, 'joined' | 'left'>): void {
    for (const slot of left) this.#names[this.#slots.indexOf(slot)] = undefined
    for (const { healthName, name, slot, weight } of joined) {
      const i = this.#slots.indexOf(slot)
      this.#names[i] = healthName
      this.#keys[i] = keyInPool(this.#pools[this.#poolOf[i] as number]?.name ?? '', name)
      this.#weights[i] = weight
    }
    this.#findMembers()
  }

  #findMembers(): void {
    const members: Member[][] = this.#pools.map(() => [])
    for (const [i, name] of this.#names.entries()) {
      const slot = this.#slots[i]
      if (name === undefined || slot === undefined) continue
      members[this.#poolOf[i] as number]?.push({ name, slot, weight: this.#weights[i] as number })
    }
    for (const [i, pool] of this.#pools.entries()) pool.members = members[i] ?? []
  }

  /**
   * The live state of remotes, by name or key, of which their agents or administrators want something else than is
   * configured.
   */
  wantedState(
    { adviceOf, overrideOf }: Wishes,
    isConcerned: (name: string, key: string) => boolean,
  ): readonly StateChange[] {
    const { advised } = this
    return this.#slots.flatMap((remoteSlot, i): readonly StateChange[] => {
      const [name, key] = [this.#names[i], this.#keys[i]]
      if (name === undefined || key === undefined || !isConcerned(name, key)) return []
      const [advice, override] = [advised.has(name) ? adviceOf(name) : undefined, overrideOf(key)]
      if (advice === undefined && override === undefined) return []
      const { adminState, sinceMs, weight } = combined(this.#weights[i] as number, advice, override)
      return [
        { what: 'weight', remoteSlot, weight },
        { what: 'admin-state', remoteSlot, state: adminState, sinceMs },
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

/** The stricter admin state of both, and the share that an agent wants of the weight of an administrator. */
function combined(configured: number, advice: Advice | undefined, override: RemoteOverride | undefined) {
  const states = [advice?.adminState, override?.adminState]
  const since = [advice?.drainsSinceMs ?? 0, override?.drainsSinceMs ?? 0].filter((ms) => ms > 0)
  const { value, insteadOf } = override?.weight ?? { value: configured, insteadOf: configured }
  // A configuration that changes the weight overrides it.
  const weight = insteadOf === configured ? value : configured
  return {
    adminState: (['maint', 'drain'] as const).find((state) => states.includes(state)) ?? ('ready' as const),
    sinceMs: since.length === 0 ? 0 : Math.min(...since),
    weight: (weight * (advice?.weightPercent ?? 100)) / 100,
  }
}
