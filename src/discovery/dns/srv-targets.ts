/** The addresses of the targets of SRV records. */
import type { DnsFamily } from '../discover-plan.js'
import { lookUpAddresses } from './addresses.js'
import type { Ask } from './client.js'
import { DnsFailure } from './dns-failure.js'
import type { DnsRecord, SrvRecord } from './message.js'

/** Lookups at a time, so that a name server is not flooded. */
const OPEN_MAX = 16

interface Target {
  readonly hosts: readonly string[]
  /** By `performance.now()`. */
  readonly expiresAtMs: number
  /** Why it has none, or why they are those of before. */
  readonly problem: string | undefined
}

export class SrvTargets {
  readonly #family: DnsFamily
  #targets: ReadonlyMap<string, Target>

  /** `known`: addresses of before, which are kept while a target cannot be resolved. */
  constructor(family: DnsFamily, known: ReadonlyMap<string, readonly string[]>) {
    this.#family = family
    const expiresAtMs = Number.NEGATIVE_INFINITY
    this.#targets = new Map(
      [...known].map(([name, hosts]) => [name, { hosts, expiresAtMs, problem: undefined }]),
    )
  }

  hostsOf(name: string): readonly string[] {
    return this.#targets.get(name)?.hosts ?? []
  }

  /** Until the first addresses expire; those that could not be resolved do not count. */
  get ttlMs(): number {
    const nowMs = performance.now()
    const resolved = [...this.#targets.values()].filter(({ problem }) => problem === undefined)
    return Math.min(...resolved.map(({ expiresAtMs }) => expiresAtMs - nowMs))
  }

  get problem(): string | undefined {
    // The same one each time, whichever lookup ends first.
    const byName = [...this.#targets].sort(([a], [b]) => (a < b ? -1 : 1))
    const [first, ...others] = byName.flatMap(([, { problem }]) => problem ?? [])
    if (first === undefined || others.length === 0) return first
    return `${others.length + 1} targets cannot be resolved, one of them: ${first}`
  }

  /** Forgets all other targets. `sent`: the records that came with the SRV records. */
  async update(ask: Ask, records: readonly SrvRecord[], sent: readonly DnsRecord[]): Promise<void> {
    const left = [...new Set(records.map(({ target }) => target))]
    const targets = new Map<string, Target>()
    const work = async () => {
      for (let name = left.pop(); name !== undefined; name = left.pop())
        targets.set(name, await this.#lookUp(ask, name, sent))
    }
    await Promise.all(Array.from({ length: OPEN_MAX }, work))
    this.#targets = targets
  }

  async #lookUp(ask: Ask, name: string, sent: readonly DnsRecord[]): Promise<Target> {
    const known = this.#targets.get(name)
    const nowMs = performance.now()
    if (known !== undefined && known.problem === undefined && nowMs < known.expiresAtMs) return known
    try {
      const { denial, hosts, ttlMs } = await lookUpAddresses(ask, name, this.#family, sent)
      if (hosts.length > 0) return { hosts, expiresAtMs: nowMs + ttlMs, problem: undefined }
      // The SRV record still says that there is a member: its addresses are kept, as after a failure.
      return { hosts: known?.hosts ?? [], expiresAtMs: nowMs, problem: `${name} has no address (${denial})` }
    } catch (error) {
      if (!(error instanceof DnsFailure)) throw error
      return { hosts: known?.hosts ?? [], expiresAtMs: nowMs, problem: error.message }
    }
  }
}
