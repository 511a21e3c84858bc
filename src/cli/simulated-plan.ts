/** The parts of a configuration that `simulate` runs: its compiled plan, with another policy if one is to be tried. */
import { AccessList } from '../admission/access-list.js'
import type { RouteFacts } from '../admission/route-facts.js'
import { Router } from '../admission/router.js'
import { RemoteHealth } from '../balance/remote-health.js'
import { nearest } from '../base/suggest.js'
import type { ListenerSettings } from '../config/table-spawnd.js'
import { intendedKind, intendedName } from '../control/process/listeners.js'
import { poolOf } from '../engine/build-pools.js'
import type { Plan, PoolPlan } from '../engine/plan.js'
import { ownWord } from '../observe/access-line.js'
import { compilePlan } from '../plan/compile/compile-plan.js'
import { listenerNames } from '../plan/compile/socket-names.js'
import type { Loaded } from '../plan/load/load.js'
import { ROUND_PAUSE_MS } from '../relay/opening/attempts.js'
import { hashOfFacts } from '../relay/opening/client-hash.js'
import { routeGaps } from '../simulate/route-gaps.js'
import { type ReportedPool, type ReportedRemote, Rows } from '../simulate/rows.js'
import type { RelayModel, SimulatedPool } from '../simulate/simulated-relay.js'
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
  const listeners = traceListeners(loaded.spawnd.listeners, plan, gaps)
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
  return compilePlan(loaded, {
    listenerNames: listenerNames(listeners, listeners.map(intendedName)),
    listenerKinds: listeners.map(intendedKind),
    listenerSlots: [...listeners.keys()],
    remoteSlots: [...loaded.tcprelay.remotes.keys()],
    mechanism: loaded.mechanism,
  })
}

function gapsOf({ pool, tls }: ListenerSettings, slot: number, { routes }: Plan): ReadonlySet<string> {
  return pool === undefined ? routeGaps(routes, slot, tls.kind === 'on') : new Set()
}

function traceListeners(
  settings: readonly ListenerSettings[],
  { listeners }: Plan,
  gaps: readonly ReadonlySet<string>[],
): readonly TraceListener[] {
  return listeners.map(({ name, pool, realm }, slot) => ({
    slot,
    name: ownWord(name),
    port: portOf(settings[slot]?.bind),
    realm,
    pool,
    usesLoggedPools: (gaps[slot]?.size ?? 0) > 0,
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
  const ofPools = pools.flatMap(({ key, name, policy }) => {
    const unknown = UNKNOWN_KEYS[key?.by ?? '']
    if (unknown !== undefined)
      return [`pool ${name}: no access log has ${unknown}: clients are recognised by their addresses`]
    if (policy !== 'least-time') return []
    return [`pool ${name}: no access log has connect times: all remotes answer equally fast`]
  })
  return [...ofRoutes, ...ofPools]
}

function prepare(plan: Plan, listeners: readonly TraceListener[], trace: Trace, seed: number) {
  const rows = new Rows(plan.pools.map(reportedPool), reportedRemotes(plan), trace)
  const use = new Int32Array(rows.remotes.length)
  const health = new RemoteHealth(plan.remotes.length)
  const simulated = plan.pools.map((pool, index): SimulatedPool => {
    const { key, options } = pool
    return {
      pool: poolOf(pool, plan, use, health, seed + index),
      hashOf: key && ((facts: RouteFacts) => hashOfFacts(facts, key, '')),
      dialRetries: options.dialRetries,
      dialTimeoutMs: options.dialTimeoutMs,
    }
  })
  const model: RelayModel = {
    listeners,
    accessList: new AccessList(plan.admission.accessTable),
    router: new Router(plan.routes, plan.defaultPool),
    pools: simulated,
    health,
    use,
    roundPauseMs: ROUND_PAUSE_MS,
  }
  return { rows, model }
}

function reportedPool({ members, name, policy }: PoolPlan): ReportedPool {
  return { name: ownWord(name), policy, rows: [...members] }
}

function reportedRemotes({ pools, remotes }: Plan): readonly ReportedRemote[] {
  const poolOf = new Map(pools.flatMap(({ members }, index) => members.map((slot) => [slot, index])))
  return remotes.map(({ name, weight }, slot) => {
    const pool = poolOf.get(slot) ?? 0
    return { name: ownWord(name), pool, weight, isRegular: isRegular(slot, pools[pool], remotes) }
  })
}

/** Whether it gets clients while all remotes of its pool are up. */
function isRegular(slot: number, pool: PoolPlan | undefined, remotes: Plan['remotes']): boolean {
  const own = remotes[slot]
  if (pool === undefined || own === undefined || own.weight === 0) return false
  const better = pool.members.filter((other) => {
    const { tier = 0, weight = 0 } = remotes[other] ?? {}
    return weight > 0 && tier < own.tier
  })
  return better.length < pool.tierMinUsable
}
