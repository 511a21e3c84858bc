/** Derives what must be read from the clients of a listener before a pool and a remote can be chosen. */
import { NEEDS_FIRST_BYTES, NEEDS_HELLO } from '../../admission/route-needs.js'
import { Router } from '../../admission/router.js'
import type { ListenerPlan, Plan, PoolPlan } from '../../engine/plan.js'
import type { Detection } from '../../relay/detection.js'
import type { KeyName } from '../../wire/sniff/client-key.js'
import { PROTOCOL, type ProtocolName } from '../../wire/sniff/protocol-names.js'
import { endless } from '../load/endless.js'
import type { Loaded } from '../load/load.js'

type Choice = Pick<Plan, 'defaultPool' | 'pools' | 'routes'>

/** Keys of pools that are read from a client's first bytes. */
const KEYS: Readonly<Partial<Record<string, { readonly name: KeyName; readonly protocol: ProtocolName }>>> = {
  'rdp-cookie': { name: 'rdp-user', protocol: 'rdp' },
  'mqtt-client': { name: 'mqtt-client-id', protocol: 'mqtt' },
}

/**
 * Adds greeting and detection to the listeners that need them. A plain listener whose routes use the ClientHello reads
 * it as with `tls = pass`; one whose routes use protocols, or whose pool has a key in the first bytes, detects them.
 * Other listeners skip both phases.
 */
export function withNeeds(
  listeners: readonly ListenerPlan[],
  choice: Choice,
  { spawnd, tcprelay }: Pick<Loaded, 'spawnd' | 'tcprelay'>,
): readonly ListenerPlan[] {
  const router = choice.routes.length === 0 ? undefined : new Router(choice.routes, choice.defaultPool)
  const handshakeTimeoutMs = endless(tcprelay.tlsHandshakeTimeoutMs)
  return listeners.map((plan, slot) => {
    const timeoutMs = endless(spawnd.listeners[slot]?.detectTimeoutMs ?? 0)
    const routes = plan.pool === undefined ? router : undefined
    const needs = routes?.needsOf(slot) ?? 0
    const readsHello =
      plan.tls.mode === 'off' && ((needs & NEEDS_HELLO) !== 0 || hashesServerName(plan, choice))
    const pass = { mode: 'pass', detectTimeoutMs: timeoutMs, handshakeTimeoutMs } as const
    const protocols = (needs & NEEDS_FIRST_BYTES) === 0 ? [] : [...(routes?.protocolsOf(slot) ?? [])]
    const detection = detectionOf(protocols, poolsOf(plan, choice), timeoutMs)
    return { ...plan, tls: readsHello ? pass : plan.tls, ...(detection === undefined ? {} : { detection }) }
  })
}

function hashesServerName(plan: ListenerPlan, choice: Choice): boolean {
  return poolsOf(plan, choice).some(({ key }) => key?.by === 'server-name')
}

/** The pools that may serve clients of a listener: its own, or all if routes choose. */
function poolsOf({ pool }: ListenerPlan, { defaultPool, pools, routes }: Choice): readonly PoolPlan[] {
  if (pool === undefined && routes.length > 0) return pools
  const own = pools[pool ?? defaultPool ?? -1]
  return own === undefined ? [] : [own]
}

function detectionOf(
  ofRoutes: readonly ProtocolName[],
  pools: readonly PoolPlan[],
  timeoutMs: number,
): Detection | undefined {
  const key = pools.flatMap((pool) => KEYS[pool.key?.by ?? ''] ?? [])[0]
  const names = key === undefined ? ofRoutes : [...ofRoutes, key.protocol]
  if (names.length === 0) return undefined
  const protocols = names.reduce((mask, name) => mask | (1 << PROTOCOL[name]), 0)
  return { protocols, key: key?.name, timeoutMs }
}
