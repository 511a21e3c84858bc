/** Plans for tests and benchmarks that build a reactor themselves: the defaults of a configuration that says nothing. */

import { NO_ACCESS_RULES } from '../../src/admission/rule-list-plan.js'
import { DEFAULT_BACK_OFF } from '../../src/balance/back-off.js'
import type { ListenerPlan, Plan, RemotePlan, SessionPlan } from '../../src/engine/plan.js'
import { NO_TLS } from '../../src/engine/tls-settings.js'
import { NO_OPTIONS } from '../../src/kernel/socket-options.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import { PLAIN_REMOTE } from '../../src/relay/remote-options.js'
import { DEFAULT_SESSION_OPTIONS } from '../../src/relay/session-options.js'
import { plainAccept } from './wire-peer.js'

const { clientSource: _clientSource, ...SESSIONS } = DEFAULT_SESSION_OPTIONS

const NOTHING: Plan = {
  listeners: [],
  pools: [],
  defaultPool: 0,
  routes: [],
  remotes: [],
  access: NO_ACCESS_RULES,
  limits: [],
  relay: DEFAULT_RELAY_OPTIONS,
  tls: NO_TLS,
  mavis: {
    authorization: 'none',
    fallback: 'deny',
    timeoutMs: 0,
    cacheTimeoutMs: 0,
    members: [],
    modules: [],
  },
  workers: {
    placement: { instancesMin: 1, instancesMax: 1, usersMin: 1, usersMax: 10 },
    sessionsMax: Number.POSITIVE_INFINITY,
    retireLimit: 0,
    overload: 'queue',
    wireBufferBytes: 0,
    sticky: undefined,
  },
  process: {
    mechanism: 'epoll',
    log: {
      syslogIdent: undefined,
      syslogFacility: 'UUCP',
      syslogSeverity: 'INFO',
      debugRedirect: undefined,
    },
    debugMask: 0,
    hidesMemory: false,
    sandbox: 'no',
  },
}

type PlanParts = Partial<Omit<Plan, 'relay'>> & {
  readonly relay?: Partial<Plan['relay']>
  /** Of the pool of all remotes. */
  readonly sessions?: Partial<SessionPlan>
}

const LEAST_USE = {
  policy: 'least-use',
  key: undefined,
  sticky: undefined,
  boundedLoad: undefined,
  tierMinUsable: 1,
  closesOnRecovery: false,
  closesOnDown: false,
  drainDeadlineMs: Number.POSITIVE_INFINITY,
  shed: undefined,
  slowStartAggression: 1,
  rebalance: 0,
  backOff: DEFAULT_BACK_OFF,
  retryBudgetPercent: undefined,
  hedge: undefined,
  slot: 0,
  maxConnections: Number.POSITIVE_INFINITY,
  queueSize: Number.POSITIVE_INFINITY,
} as const

/** A plan with a pool of all its remotes. */
export function planOf({ relay, sessions, ...parts }: PlanParts): Plan {
  const members = [...(parts.remotes ?? []).keys()]
  const options = { ...SESSIONS, localAddress: undefined, ...sessions }
  const pools = [{ name: 'default', label: '', members, ...LEAST_USE, options } as const]
  return { ...NOTHING, pools, ...parts, relay: { ...NOTHING.relay, ...relay } }
}

/** A plain listener of TCP. */
export function listenerPlan(name: string, parts: Partial<ListenerPlan> = {}): ListenerPlan {
  return {
    name,
    kind: 'tcp',
    realm: '',
    pool: undefined,
    portIndex: 0,
    countersSlot: 0,
    maxConnections: Number.POSITIVE_INFINITY,
    isMptcp: false,
    isUdp: false,
    queue: { backlog: 16, overloadBacklog: 16 },
    block: 0,
    sticky: undefined,
    message: plainAccept,
    tls: { mode: 'off' },
    socket: NO_OPTIONS,
    ...parts,
  }
}

/** A plain remote. */
export function remotePlan(name: string, addresses: RemotePlan['addresses']): RemotePlan {
  const maxConnections = Number.POSITIVE_INFINITY
  const common = {
    weight: 1,
    slowStartMs: 0,
    tier: 0,
    maxConnections,
    tlsClient: undefined,
    options: PLAIN_REMOTE,
  }
  return { name, addresses, ...common }
}
