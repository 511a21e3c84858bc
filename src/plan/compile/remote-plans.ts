/** The remotes of a plan, by the slots that the head has assigned. */
import { POLICIES_WITHOUT_SLOW_START } from '../../base/policy-names.js'
import { mergedHealth } from '../../config/merged-health.js'
import { portList } from '../../config/port-types.js'
import type { PoolSettings } from '../../config/table-pool.js'
import type { RemoteSettings, TcprelaySettings } from '../../config/table-tcprelay.js'
import type { ListenerPlan, RemotePlan } from '../../engine/plan.js'
import type { ProbeTls } from '../../health/probe-tls.js'
import { PLAIN_REMOTE } from '../../relay/remote-options.js'
import type { RemotePorts } from '../../relay/remotes.js'
import type { NamedRemote } from '../../services/resolver.js'
import { endless } from '../load/endless.js'
import { dynamicNames, dynamicRemote } from './dynamic-plans.js'
import { healthNames, probePlans } from './probe-plans.js'
import { resolvable } from './resolvable.js'
import { remoteName } from './socket-names.js'
import { remoteOptions } from './socket-settings.js'
import { starttlsPlan } from './starttls-plan.js'

/** Placeholder for slots of other generations' remotes: without name or address, and in no pool. */
export const NO_REMOTE: RemotePlan = {
  name: '',
  weight: 1,
  slowStartMs: 0,
  tier: 0,
  maxConnections: Number.POSITIVE_INFINITY,
  addresses: [],
  ports: 'own',
  tlsClient: undefined,
  options: PLAIN_REMOTE,
}

/** TLS of the remotes, in the order of the configuration: of their clients, an index, and of their health checks. */
export interface RemotesTls {
  readonly clients: readonly (number | undefined)[]
  readonly probes: readonly (ProbeTls | undefined)[]
}

/** `slots`: in the order of the configuration; those of dynamic routes follow. */
export function remotePlans(
  tcprelay: TcprelaySettings,
  slots: readonly number[],
  tls: RemotesTls,
  listeners: readonly ListenerPlan[],
): readonly RemotePlan[] {
  const bySlot = new Array<RemotePlan>(Math.max(0, ...slots.map((slot) => slot + 1))).fill(NO_REMOTE)
  const { pools, remotes } = tcprelay
  const known = healthNames(remotes, probePlans(tcprelay, tls.probes))
  for (const [i, remote] of remotes.entries()) {
    const plan = remotePlan(remote, pools[remote.pool], tls.clients[i], listeners)
    const healthName = known[i] === plan.name ? undefined : known[i]
    bySlot[slots[i] as number] = { ...plan, healthName }
  }
  for (const [i, name] of dynamicNames(tcprelay).entries())
    bySlot[slots[remotes.length + i] as number] = dynamicRemote(name)
  return bySlot
}

function remotePlan(
  remote: RemoteSettings,
  pool: PoolSettings | undefined,
  tlsClient: number | undefined,
  listeners: readonly ListenerPlan[],
): RemotePlan {
  const { maxConnections, sctp, target, tier, weight } = remote
  return {
    name: remoteName(remote),
    weight,
    slowStartMs: slowStartOf(remote, pool),
    tier,
    maxConnections: endless(maxConnections),
    // Those of a name, and of members that discovery finds, are live state.
    addresses: target.kind === 'address' ? [target.address] : [],
    ports: portsFor(remote, listeners),
    tlsClient,
    starttls: starttlsPlan(remote, pool),
    options: remoteOptions(remote, pool),
    sctp,
    failAfter: mergedHealth(remote.health, pool?.health)?.failAfter,
  }
}

function slowStartOf({ slowStartMs }: RemoteSettings, pool: PoolSettings | undefined): number {
  if (pool === undefined || POLICIES_WITHOUT_SLOW_START.includes(pool.policy)) return 0
  return slowStartMs ?? pool.slowStartMs
}

/** With several ports, the port for each listener is the one with the same index. Zero: listeners of other pools. */
function portsFor({ ports }: RemoteSettings, listeners: readonly ListenerPlan[]): RemotePorts {
  if (ports === 'own' || ports === 'same') return ports
  const all = portList(ports)
  return listeners.map(({ portIndex }) => all[portIndex] ?? 0)
}

/** The remotes whose names have to be looked up; `slots`: in the order of the configuration. */
export function namedRemotes({ remotes }: TcprelaySettings, slots: readonly number[]): NamedRemote[] {
  return remotes.flatMap(({ target }, i) =>
    target.kind === 'name' ? [{ slot: slots[i] as number, ...resolvable(target) }] : [],
  )
}
