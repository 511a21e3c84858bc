/** The health checks of a plan, which only the head has: from directives to what the prober runs. */
import { type SocketAddress, withPort } from '../../base/address.js'
import { effectiveSendProxy } from '../../config/effective-send-proxy.js'
import { mergedHealth } from '../../config/merged-health.js'
import { portList } from '../../config/port-types.js'
import type { HealthSettings } from '../../config/table-health.js'
import type { PoolSettings } from '../../config/table-pool.js'
import type { RemoteSettings, TcprelaySettings } from '../../config/table-tcprelay.js'
import type { ProbeCheck } from '../../health/probe-checks.js'
import type { ProbePlan } from '../../health/probe-plan.js'
import type { ProbeTls } from '../../health/probe-tls.js'
import { CHECKS, type Checked } from './probe-checks.js'
import { remoteName } from './socket-names.js'
import { starttlsPlan } from './starttls-plan.js'

const INTERVAL_MS = 2_000
/** A server that has not answered by then is of no use to clients. */
const TIMEOUT_MAX_MS = 5_000
const RISE = 2
const FALL = 3
const JITTER_PERCENT = 10

/** In the order of the remotes; undefined: the remote is not checked. */
export function probePlans(
  { pools, remotes }: TcprelaySettings,
  tls: readonly (ProbeTls | undefined)[],
): readonly (ProbePlan | undefined)[] {
  return remotes.map((remote, i) => {
    const health = mergedHealth(remote.health, pools[remote.pool]?.health)
    return health === undefined || health.type === 'none'
      ? undefined
      : probePlan(health, remote, pools[remote.pool], tls[i])
  })
}

function probePlan(
  health: HealthSettings,
  remote: RemoteSettings,
  pool: PoolSettings | undefined,
  tls: ProbeTls | undefined,
): ProbePlan {
  const { address, intervalMs = INTERVAL_MS, port = portOf(remote) } = health
  const starttls = isElsewhere(health) ? undefined : starttlsPlan(remote, pool)
  const { downIntervalMs, fastIntervalMs, fall, jitterPercent, rise, timeoutMs } = health
  return {
    check: checkOf({ health, remote, port }),
    intervalMs,
    fastIntervalMs: fastIntervalMs ?? intervalMs,
    downIntervalMs: downIntervalMs ?? intervalMs,
    jitter: (jitterPercent ?? JITTER_PERCENT) / 100,
    timeoutMs: timeoutMs ?? Math.min(intervalMs, TIMEOUT_MAX_MS),
    rise: rise ?? RISE,
    fall: fall ?? FALL,
    sendProxy: sendProxyOf(health, remote, pool),
    ...(starttls === undefined ? {} : { starttls }),
    // The port follows, from `port`.
    address: address && withPort(address, 0),
    port,
    tls: tls?.id,
  }
}

/** A server at another port or address is not the one that clients get. */
function isElsewhere({ address, port }: HealthSettings): boolean {
  return address !== undefined || port !== undefined
}

function sendProxyOf(
  health: HealthSettings,
  remote: RemoteSettings,
  pool: PoolSettings | undefined,
): ProbePlan['sendProxy'] {
  const { sendProxy } = health
  if (sendProxy !== undefined) return sendProxy === 'no' ? undefined : sendProxy
  if (isElsewhere(health)) return undefined
  return effectiveSendProxy(remote, pool)?.version
}

function checkOf(checked: Checked): ProbeCheck {
  const { type = 'tcp' } = checked.health
  if (type === 'none') throw new Error('a remote without a health check has no plan')
  return CHECKS[type](checked)
}

/** Undefined: it is a Unix socket, or the port is that of the client. */
function portOf({ ports, target }: RemoteSettings): number | undefined {
  if (ports === 'same') return undefined
  if (ports !== 'own') return portList(ports)[0]
  if (target.kind === 'discovered') return undefined
  if (target.kind === 'name') return target.port
  return target.address.family === 'unix' ? undefined : target.address.port
}

/**
 * The names under which the health of remotes is known, in their order. Remotes of several pools may have the same
 * name: they are one, with one check, unless their checks differ.
 */
export function healthNames(
  remotes: readonly RemoteSettings[],
  plans: readonly (ProbePlan | undefined)[],
): readonly string[] {
  const known = new Map<string, Map<string, string>>()
  for (const [i, remote] of remotes.entries()) {
    const plan = plans[i]
    if (plan === undefined) continue
    const name = remoteName(remote)
    const ofName = known.get(name) ?? new Map<string, string>()
    known.set(name, ofName)
    const check = identityOf(remote, plan)
    if (!ofName.has(check)) ofName.set(check, ofName.size === 0 ? name : `${name} (pool ${remote.poolName})`)
  }
  return remotes.map((remote, i) => {
    const plan = plans[i]
    const name = remoteName(remote)
    // Without a check of its own it is the one of the first check.
    return (plan && known.get(name)?.get(identityOf(remote, plan))) ?? name
  })
}

function identityOf({ target }: RemoteSettings, plan: ProbePlan): string {
  return JSON.stringify([target, plan])
}

/** Where a check connects to, of a remote with these addresses. */
export function probeAddresses(
  { address, port }: Pick<ProbePlan, 'address' | 'port'>,
  addresses: readonly SocketAddress[],
): readonly SocketAddress[] {
  const given = address === undefined ? addresses : [address]
  return given.map((one) => (one.family === 'unix' || port === undefined ? one : { ...one, port }))
}
