/** The head's end of questions about hosts of dynamic routes: checks the name, resolves it, checks the addresses. */
import { NamePatterns } from '../../admission/name-patterns.js'
import type { Plan } from '../../engine/plan.js'
import type { DynamicPlan } from '../../relay/dynamic-hosts.js'
import type { HostAnswer } from '../../relay/host-answer.js'
import type { HostResolver } from '../../services/host-resolver.js'
import { machineAddresses, permittedAddresses } from '../../services/permitted-addresses.js'

/** What a host is asked for by: the index of a dynamic route's pool, and a name as `clientServerName` returns it. */
export interface WantedHost {
  readonly pool: number
  readonly name: string
}

/** Of a generation: its plan, and the addresses that its listeners are bound to. */
export interface HostRules {
  readonly plan: Pick<Plan, 'pools'>
  readonly listenerHosts: readonly string[]
}

export class HostService {
  readonly #resolver: Pick<HostResolver, 'lookUp'>
  readonly #nowMs: () => number
  readonly #machineAddresses: () => readonly string[]
  /** Made when a route is first asked for. */
  readonly #names = new WeakMap<DynamicPlan, NamePatterns<true>>()

  constructor(resolver: Pick<HostResolver, 'lookUp'>, nowMs: () => number, ofMachine = machineAddresses) {
    this.#resolver = resolver
    this.#nowMs = nowMs
    this.#machineAddresses = ofMachine
  }

  /** Undefined: no dynamic route allows the name, so no reactor of ours asks for it. Never rejects otherwise. */
  find({ listenerHosts, plan }: HostRules, { name, pool }: WantedHost): Promise<HostAnswer> | undefined {
    const dynamic = plan.pools[pool]?.dynamic
    if (dynamic === undefined || !this.#namesOf(dynamic).collect(name)) return undefined
    return this.#findAllowed(dynamic, name, listenerHosts)
  }

  async #findAllowed(
    dynamic: DynamicPlan,
    name: string,
    listenerHosts: readonly string[],
  ): Promise<HostAnswer> {
    const records = await this.#resolver.lookUp(name)
    const ttlMs = Math.max(0, records.expiresAtMs - this.#nowMs())
    const { addresses: found, problem } = records
    if (found.length === 0) return { addresses: [], reason: 'name-not-resolved', cause: problem, ttlMs }
    const own = new Set([...this.#machineAddresses(), ...listenerHosts])
    const addresses = permittedAddresses(found, dynamic.networks, own)
    if (addresses.length > 0) return { addresses, reason: undefined, cause: '', ttlMs }
    const cause = found.map(({ host }) => host).join(', ')
    return { addresses, reason: 'address-not-allowed', cause, ttlMs }
  }

  #namesOf(dynamic: DynamicPlan): NamePatterns<true> {
    const known = this.#names.get(dynamic)
    if (known !== undefined) return known
    const names = new NamePatterns<true>()
    for (const pattern of dynamic.names) names.set(pattern, true)
    this.#names.set(dynamic, names)
    return names
  }
}
