/** The services of a head that its generations have in common: what they know of remotes outlives a reload. */

import { TraceChannel } from '../../observe/trace.js'
import { discoverPlans } from '../../plan/compile/discover-plans.js'
import type { Loaded } from '../../plan/load/load.js'
import { HostResolver } from '../../services/host-resolver.js'
import { Resolver } from '../../services/resolver.js'
import { Stapler } from '../../services/stapler.js'
import { checkOcspResponse, type OcspSource } from '../../tls/ocsp.js'
import type { StartedHead } from '../process/start-up.js'
import { DiscoveryService } from './discovery-service.js'
import type { Generation, GenerationParts } from './generation.js'
import { remoteFacts } from './generation-facts.js'
import { HealthService } from './health-service.js'
import { HostService } from './host-service.js'
import type { PlacedChanges } from './placed-member.js'
import { RemoteOverrides } from './remote-overrides.js'
import { RuleFiles } from './rule-files.js'
import { savedMembers } from './saved-members.js'

/** Those of the head. */
export interface Generations {
  /** All that run, and the one that is being prepared. */
  all(): Iterable<Generation>
  present(): Generation
}

/** What a generation gets from the services. */
type FromServices =
  | 'access'
  | 'adviceOf'
  | 'discovered'
  | 'membersOf'
  | 'onPools'
  | 'overrideOf'
  | 'resolver'
  | 'staples'
  | 'verdictOf'

export class CommonServices {
  readonly health: HealthService
  readonly hosts: HostService
  readonly overrides: RemoteOverrides
  readonly #generations: Generations
  readonly #discovery: DiscoveryService
  readonly #resolver: Resolver
  readonly #ruleFiles: RuleFiles
  readonly #stapler: Stapler<OcspSource>

  /** `stateFile`: that of `loaded`, the configuration of the first generation; undefined: none. */
  constructor(
    { boundary, log, system, traceMask }: StartedHead,
    generations: Generations,
    loaded: Loaded,
    stateFile: string | undefined,
  ) {
    const { say } = log
    const { clock } = system
    const trace = new TraceChannel('DNS', traceMask, say)
    const nowMs = () => clock.monotonicMs()
    this.#generations = generations
    this.overrides = new RemoteOverrides(say, nowMs)
    this.#resolver = new Resolver(say, trace)
    this.hosts = new HostService(new HostResolver(nowMs, trace), nowMs)
    this.#stapler = new Stapler<OcspSource>({
      // Imported late: few configurations have a responder, and HTTP takes memory.
      post: async (...request) => (await import('../../services/post-ocsp.js')).postOcsp(...request),
      check: checkOcspResponse,
      onStaple: (id, staple) => {
        for (const generation of generations.all()) generation.applyState({ what: 'staple', id, staple })
      },
      say,
      boundary,
    })
    this.#ruleFiles = new RuleFiles({
      say,
      boundary,
      onAccess: (of, access) => {
        const concerned = [...generations.all()].filter((generation) => generation.loaded === of)
        for (const generation of concerned) generation.applyState({ what: 'access', access })
      },
    })
    this.#discovery = new DiscoveryService(
      {
        say,
        boundary,
        resolver: this.#resolver,
        nowMs,
        isInUse: (pool, index) => this.#isInUse(pool, index),
        onChanges: (pool, changes) => this.#onMembers(pool, changes),
      },
      savedMembers(stateFile, loaded),
    )
    const answers = () => this.#discovery.answers()
    this.health = new HealthService(
      { say, clock, boundary, generations: () => generations.all(), answers },
      stateFile,
    )
  }

  /** For a generation that is made of this configuration. */
  forGeneration(loaded: Loaded): Pick<GenerationParts, FromServices> {
    const plans = discoverPlans(loaded.tcprelay)
    const areFound = this.#discovery.prepare(plans)
    return {
      access: this.#ruleFiles.accessOf(loaded),
      resolver: this.#resolver,
      staples: new Map(this.#stapler.staples),
      verdictOf: (remote) => this.health.of(remote),
      adviceOf: (remote) => this.health.adviceOf(remote),
      overrideOf: (remote) => this.overrides.of(remote),
      onPools: (changed) => this.health.review(changed),
      membersOf: (pool) => this.#discovery.membersOf(pool),
      discovered: plans.length === 0 ? undefined : areFound,
    }
  }

  /** The first generation serves clients. */
  start({ loaded, probedRemotes }: Generation): void {
    this.#ruleFiles.follow(loaded)
    this.#stapler.watch(loaded.tls.ocsp)
    this.health.check(probedRemotes)
  }

  /** This generation is in force from now on. */
  follow(generation: Generation, stateFile: string | undefined): void {
    this.followSources(generation)
    this.overrides.review(remoteFacts(generation))
    this.health.follow(generation, stateFile)
    this.#ruleFiles.follow(generation.loaded)
    this.#stapler.watch(generation.loaded.tls.ocsp)
  }

  /** Closes the sources of other generations. */
  followSources({ loaded }: Generation): void {
    this.#discovery.follow(discoverPlans(loaded.tcprelay))
  }

  /** An administrator has changed what is wanted of the remote with this key. */
  followOverride(remote: string): void {
    for (const generation of this.#generations.all()) generation.followOverride(remote)
  }

  /** The process takes no more clients. */
  end(): void {
    this.#ruleFiles.close()
    this.#stapler.close()
    // It writes the members to the state file.
    this.health.end()
    this.#discovery.close()
  }

  /** The process exits. */
  close(): void {
    this.#resolver.close()
  }

  #onMembers(pool: string, changes: PlacedChanges): void {
    for (const generation of this.#generations.all()) generation.applyMembers(pool, changes)
    this.health.followMembers(this.#generations.present(), changes.areOthers)
  }

  #isInUse(pool: string, index: number): boolean {
    return [...this.#generations.all()].some(({ members }) => members.useOf(pool, index) > 0)
  }
}
