/** The remotes of one generation as their health is known: under which names, with which checks, in which slots. */
import type { SocketAddress } from '../../base/address.js'
import { DOWN, EXCLUDED, UP } from '../../base/verdict.js'
import type { HeadCells } from '../../cells/cells.js'
import type { TcprelaySettings } from '../../config/table-tcprelay.js'
import type { StateChange } from '../../engine/live-state.js'
import type { RemotePlan } from '../../engine/plan.js'
import type { ProbeAdvice } from '../../health/probe-checks.js'
import type { ProbedRemote, ProbePlan } from '../../health/probe-plan.js'
import type { Verdict, WatchedRemote } from '../../health/remote-verdicts.js'
import { healthNames, probeAddresses, probePlans } from '../../plan/compile/probe-plans.js'

export class GenerationHealth {
  /** In the order of the configuration: names, checks, slots. Remotes of several pools may share a name. */
  readonly #names: readonly string[]
  readonly #probes: readonly (ProbePlan | undefined)[]
  readonly #slots: readonly number[]
  readonly #slotsByName: ReadonlyMap<string, readonly number[]>

  /** `slots`: in the order of the configuration; those of dynamic routes, which have no health, may follow. */
  constructor(tcprelay: TcprelaySettings, slots: readonly number[]) {
    this.#probes = probePlans(tcprelay)
    this.#names = healthNames(tcprelay.remotes, this.#probes)
    this.#slots = slots.slice(0, this.#names.length)
    this.#slotsByName = slotsByName(this.#names, this.#slots)
  }

  get names(): Iterable<string> {
    return this.#slotsByName.keys()
  }

  /** `remotes`: those of the plan, by slot. */
  watched(remotes: readonly RemotePlan[]): readonly WatchedRemote[] {
    return this.#names.map((name, i) => {
      const { slowStartMs = 0 } = remotes[this.#slots[i] as number] ?? {}
      return { name, slowStartMs, thresholds: this.#probes[i] }
    })
  }

  /** Those with checks. `addressesOf`: the present addresses of the remote in a slot. */
  probed(addressesOf: (slot: number) => readonly SocketAddress[]): readonly ProbedRemote[] {
    const probed = new Map<string, ProbedRemote>()
    for (const [i, name] of this.#names.entries()) {
      const [plan, slot] = [this.#probes[i], this.#slots[i]]
      if (plan === undefined || slot === undefined || probed.has(name)) continue
      probed.set(name, { name, plan, addresses: () => probeAddresses(plan, addressesOf(slot)) })
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
    { adminState, weightPercent }: Required<ProbeAdvice>,
    remotes: readonly RemotePlan[],
  ): readonly StateChange[] {
    if (!this.advised.has(name)) return []
    return (this.#slotsByName.get(name) ?? []).flatMap((remoteSlot) => {
      const { weight = 1 } = remotes[remoteSlot] ?? {}
      return [
        { what: 'weight', remoteSlot, weight: (weight * weightPercent) / 100 },
        { what: 'admin-state', remoteSlot, state: adminState },
      ]
    })
  }

  /** Writes the verdict on a remote to the cells, where the workers read it. */
  setVerdict(
    cells: Pick<HeadCells, 'upAtMs' | 'verdict'>,
    name: string,
    { isDown, isExcluded, upAtMs }: Verdict,
  ): void {
    for (const slot of this.#slotsByName.get(name) ?? []) {
      // First: a worker that reads the new verdict must not read the end of an older outage.
      cells.upAtMs[slot] = upAtMs
      Atomics.store(cells.verdict, slot, isExcluded ? EXCLUDED : isDown ? DOWN : UP)
    }
  }
}

function slotsByName(
  names: readonly string[],
  slots: readonly number[],
): ReadonlyMap<string, readonly number[]> {
  const byName = new Map<string, number[]>()
  for (const [i, name] of names.entries()) {
    const known = byName.get(name) ?? []
    byName.set(name, known)
    const slot = slots[i]
    if (slot !== undefined) known.push(slot)
  }
  return byName
}
