/** The parts of a configuration that `simulate` runs: its compiled plan, with another policy if one is to be tried. */
import { REJECTS } from '../admission/access-table.js'
import type { RouteFacts } from '../admission/route-facts.js'
import { Router } from '../admission/router.js'
import type { RuleListPlan } from '../admission/rule-list-plan.js'
import { RuleLists } from '../admission/rule-lists.js'
import type { Pool } from '../balance/pool.js'
import { RemoteHealth } from '../balance/remote-health.js'
import { regularMembers } from '../balance/tiers.js'
import { nearest } from '../base/suggest.js'
import { NO_LIMIT } from '../cells/layout.js'
import { localPolicyMemory } from '../cells/policy-memory.js'
import { StickyTable, stickyBytes } from '../cells/sticky-table.js'
import type { ListenerSettings } from '../config/table-spawnd.js'
import { intendedKind, intendedName } from '../control/process/listeners.js'
import { backOffOf, poolOf, remoteArrays, retryBudgetOf } from '../engine/build-pools.js'
import type { Plan, PoolPlan, StickyPlan } from '../engine/plan.js'
import { RemoteVerdicts } from '../health/remote-verdicts.js'
import { heapRegion } from '../kernel/region.js'
import { ownWord } from '../observe/access-line.js'
import { compilePlan } from '../plan/compile/compile-plan.js'
import { rowCounts } from '../plan/compile/dynamic-plans.js'
import { listenerNames } from '../plan/compile/socket-names.js'
import type { Loaded } from '../plan/load/load.js'
import { DynamicHosts } from '../relay/dynamic-hosts.js'
import { ROUND_PAUSE_MS } from '../relay/opening/attempts.js'
import { hashOfFacts, isRecognisedBy } from '../relay/opening/client-hash.js'
import { Stickiness, StickyClient } from '../relay/stickiness.js'
import type { RelayModel, SimulatedPool } from '../simulate/relay-model.js'
import { gapsOfConditions, routeGaps } from '../simulate/route-gaps.js'
import { type ReportedPool, type ReportedRemote, Rows } from '../simulate/rows.js'
import { placeOfPool, usePlaces } from '../simulate/tally.js'
import type { Trace } from '../simulate/trace.js'
import type { TraceListener } from '../simulate/trace-listeners.js'
import type { SimulateArguments } from './simulate-arguments.js'

/** Keys that are not in an access log: clients are recognised by their addresses instead. */
const UNKNOWN_KEYS: Readonly<Record<string, string>> = {
  'rdp-cookie': 'RDP cookies',
  'mqtt-client': 'MQTT client identifiers',
  certificate: 'certificates',
}

export interface SimulatedPlan {
  readonly plan: Plan
  readonly listeners: readonly TraceListener[]
  /** In what the simulation differs from the relay, a sentence each. */
  readonly notes: readonly string[]
  prepare(trace: Trace, seed: number): { readonly rows: Rows; readonly model: RelayModel }
}

/** A string is an error message. */
export function compileForSimulation(
  loaded: Loaded,
  { policy, pool }: Pick<SimulateArguments, 'policy' | 'pool'>,
): SimulatedPlan | string {
  const { pools } = loaded.tcprelay
  if (pool !== undefined && !pools.some(({ name }) => name === pool)) {
    const names = pools.map(({ name }) => name)
    const near = nearest(pool, names)
    return `option '--pool': there is no pool '${pool}': ${near === undefined ? names.join(', ') : `did you mean '${near}'?`}`
  }
  const changed = pools.map((settings) => {
    const isChanged = policy !== undefined && (pool ?? settings.name) === settings.name
    return isChanged ? { ...settings, policy } : settings
  })
  const plan = planOf({ ...loaded, tcprelay: { ...loaded.tcprelay, pools: changed } })
  const gaps = loaded.spawnd.listeners.map((settings, slot) => gapsOf(settings, slot, plan))
  const rules = loaded.spawnd.listeners.map((settings) => hasRuleGaps(settings, plan))
  const listeners = traceListeners(loaded.spawnd.listeners, plan, gaps, rules)
  return {
    plan,
    listeners,
    notes: notesOf(plan, listeners, gaps),
    prepare: (trace, seed) => prepare(plan, listeners, trace, seed),
  }
}

/** Compiled as at a start; nothing is bound. */
function planOf(loaded: Loaded): Plan {
  const { listeners } = loaded.spawnd
  const { pools, remotes } = rowCounts(loaded.tcprelay)
  return compilePlan(loaded, {
    listenerNames: listenerNames(listeners, listeners.map(intendedName)),
    listenerKinds: listeners.map(intendedKind),
    listenerSlots: [...listeners.keys()],
    remoteSlots: Array.from({ length: remotes }, (_, slot) => slot),
    poolSlots: Array.from({ length: pools }, (_, slot) => slot),
    mechanism: loaded.mechanism,
  })
}

function gapsOf({ pool, tls }: ListenerSettings, slot: number, { routes }: Plan): ReadonlySet<string> {
  return pool === undefined ? routeGaps(routes, slot, tls.kind === 'on') : new Set()
}

/** Whether access rules are about facts that its log does not have. */
function hasRuleGaps({ block, tls }: ListenerSettings, { access }: Plan): boolean {
  const hasGaps = ({ steps }: RuleListPlan) =>
    steps.some(
      (step) => step.kind === 'condition' && gapsOfConditions(step.conditions, tls.kind === 'on').length > 0,
    )
  return [access.section, access.listeners.get(block)].some((list) => list !== undefined && hasGaps(list))
}

function traceListeners(
  settings: readonly ListenerSettings[],
  { listeners }: Plan,
  gaps: readonly ReadonlySet<string>[],
  rules: readonly boolean[],
): readonly TraceListener[] {
  return listeners.map(({ name, overrides, pool, realm }, slot) => ({
    slot,
    name: ownWord(name),
    port: portOf(settings[slot]?.bind),
    realm,
    pool,
    dialRetries: overrides?.dialRetries,
    attemptsMax: overrides?.attemptsMax,
    dialTimeoutMs: overrides?.dialTimeoutMs,
    usesLoggedPools: (gaps[slot]?.size ?? 0) > 0,
    usesLoggedRules: rules[slot] ?? false,
  }))
}

function portOf(bind: ListenerSettings['bind'] | undefined): number {
  if (bind === undefined || bind.kind === 'inherited') return 0
  if (bind.kind !== 'address') return bind.port
  return bind.address.family === 'unix' ? 0 : bind.address.port
}

function notesOf(
  { pools }: Plan,
  listeners: readonly TraceListener[],
  gaps: readonly ReadonlySet<string>[],
): readonly string[] {
  const ofRoutes = listeners.flatMap(({ name }, slot) => {
    const asked = [...(gaps[slot] ?? [])]
    if (asked.length === 0) return []
    return [
      `listener ${name}: routes ask for ${asked.join(' and ')}, which no access log has: its clients get the pools of the log`,
    ]
  })
  const ofPools = pools.flatMap(({ dynamic, key, name, policy, spares = [], sticky }) => {
    if (spares.length > 0) return [`pool ${name}: the members that discovery finds are not simulated`]
    if (dynamic !== undefined) return [`${name}: the hosts that its clients ask for count as one remote`]
    const unknown = UNKNOWN_KEYS[key?.by ?? ''] ?? UNKNOWN_KEYS[sticky?.key.by ?? '']
    if (unknown !== undefined)
      return [`pool ${name}: no access log has ${unknown}: clients are recognised by their addresses`]
    if (policy !== 'least-time') return []
    return [`pool ${name}: no access log has connect times: all remotes answer equally fast`]
  })
  return [...ofRoutes, ...ofPools]
}

function prepare(plan: Plan, listeners: readonly TraceListener[], trace: Trace, seed: number) {
  const { defaultPool, pools, remotes, routes } = plan
  const rows = new Rows(pools.map(reportedPool), reportedRemotes(plan), trace)
  const arrays = remoteArrays(plan)
  const useMax = limitsOf(plan, rows)
  const cells = {
    use: usePlaces(rows),
    policies: localPolicyMemory(remotes.length),
    verdict: new Int32Array(remotes.length),
    upAtMs: new Float64Array(remotes.length),
  }
  const health = new RemoteHealth(remotes.length, cells, backOffOf(plan, seed))
  const model: RelayModel = {
    listeners,
    ...accessOf(plan),
    router: new Router(routes, defaultPool),
    pools: pools.map((pool, index) => {
      const place = pool.maxConnections === Infinity ? undefined : placeOfPool(rows, index)
      const limits = { place, useMax, seed: seed + index }
      return simulatedPool(pool, poolOf(pool, arrays, cells, health, limits), plan, seed)
    }),
    health,
    use: cells.use,
    verdict: cells.verdict,
    reportEvidence: verdictsInto(cells, remotes),
    roundPauseMs: ROUND_PAUSE_MS,
  }
  return { rows, model }
}

function accessOf({ access, listeners }: Plan): Pick<RelayModel, 'admits' | 'admitsRouted'> {
  let epochMs = 0
  const lists = new RuleLists(
    access,
    (slot) => listeners[slot]?.block,
    () => epochMs,
  )
  const client = ({ address, addressAt, addressByteCount }: RouteFacts) => {
    return { address, addressAt, addressByteCount, identity: () => undefined }
  }
  return {
    admits(facts, nowMs) {
      epochMs = nowMs
      return lists.decide(client(facts), facts.listenerSlot, facts) !== REJECTS
    },
    admitsRouted(facts, route, nowMs) {
      epochMs = nowMs
      return lists.decideRoute(client(facts), route, facts) !== REJECTS
    },
  }
}

/** By place. */
function limitsOf({ pools, remotes }: Plan, rows: Rows): Int32Array {
  const limits = usePlaces(rows).fill(NO_LIMIT)
  for (const [slot, { maxConnections }] of remotes.entries())
    limits[slot] = Math.min(maxConnections, NO_LIMIT)
  for (const [index, { maxConnections }] of pools.entries()) {
    limits[placeOfPool(rows, index)] = Math.min(maxConnections, NO_LIMIT)
  }
  return limits
}

function simulatedPool(plan: PoolPlan, pool: Pool, { remotes }: Plan, seed: number): SimulatedPool {
  const { dynamic, key, options, queueSize, sticky } = plan
  const { attemptsMax, dialRetries, dialTimeoutMs, queueTimeoutMs } = options
  const hosts = dynamic && new DynamicHosts(dynamic, 0, 0)
  return {
    pool,
    allows: hosts && ((facts) => hosts.allows(facts.serverName())),
    hashOf: key && ((facts) => hashOfFacts(facts, key, '')),
    memoryOf: sticky === undefined ? () => undefined : memoriesOf(plan, sticky, remotes, seed),
    dialRetries,
    attemptsMax,
    retryBudget: retryBudgetOf(plan),
    dialTimeoutMs,
    queueSize,
    queueTimeoutMs,
  }
}

function memoriesOf(
  { members }: PoolPlan,
  { entries, key, ttlMs }: StickyPlan,
  remotes: Plan['remotes'],
  seed: number,
): SimulatedPool['memoryOf'] {
  const table = new StickyTable(heapRegion(stickyBytes(entries)), ttlMs)
  const named = members.map((slot) => ({ slot, name: remotes[slot]?.name ?? '' }))
  const stickiness = new Stickiness(key, seed, table, named)
  return (facts) => {
    if (!isRecognisedBy(facts, key, '')) return undefined
    return new StickyClient(stickiness, hashOfFacts(facts, key, '', seed), hashOfFacts(facts, key, '', ~seed))
  }
}

/** The head of the simulated relay: evidence of attempts goes in, verdicts come out. */
function verdictsInto(
  { upAtMs, verdict }: { readonly verdict: Int32Array; readonly upAtMs: Float64Array },
  remotes: Plan['remotes'],
): RelayModel['reportEvidence'] {
  // Names are unique in a pool only.
  const verdicts: RemoteVerdicts = new RemoteVerdicts(
    () => {},
    {
      onVerdict(name) {
        const found = verdicts.of(name)
        verdict[Number(name)] = found.isDown ? 1 : 0
        upAtMs[Number(name)] = found.upAtMs
      },
      onFlip() {},
    },
    () => Infinity,
  )
  verdicts.watch(remotes.map((_, slot) => ({ name: String(slot) })))
  return (slot, isUp, nowMs) => {
    verdicts.record({ name: String(slot), isUp, startedMs: nowMs, atMs: nowMs, why: '' })
  }
}

function reportedPool({ dynamic, members, name, policy }: PoolPlan): ReportedPool {
  return { name: ownWord(name), policy, rows: [...members], isDynamic: dynamic !== undefined }
}

function reportedRemotes({ pools, remotes }: Plan): readonly ReportedRemote[] {
  const poolOf = new Map(
    pools.flatMap(({ members, spares = [] }, index) => [...members, ...spares].map((slot) => [slot, index])),
  )
  const { tiers, weights } = remoteArrays({ pools, remotes })
  // Those that get clients while all remotes of their pools are up.
  const regular = new Set(
    pools.flatMap(({ members, tierMinUsable }) => regularMembers(members, tiers, weights, tierMinUsable)),
  )
  const areSpares = new Set(pools.flatMap(({ spares = [] }) => spares))
  return remotes.map(({ name, weight }, slot) => {
    const pool = poolOf.get(slot) ?? 0
    const isRegular = weight > 0 && regular.has(slot)
    // A slot for a member that discovery finds is not a remote of the configuration.
    return { name: ownWord(name), pool, weight: areSpares.has(slot) ? undefined : weight, isRegular }
  })
}
