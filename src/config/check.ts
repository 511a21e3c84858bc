/** Checks a configuration as a whole, after every directive has been accepted by itself. */
import { formatAddress, type SocketAddress } from '../base/address.js'
import { checkAccess, checkAccessOfRoutes } from './check-access.js'
import { checkAdmin } from './check-admin.js'
import { checkCapsOfListeners, checkQueues } from './check-caps.js'
import { checkDatagrams } from './check-datagrams.js'
import { checkDiscovery } from './check-discover.js'
import { checkHealth } from './check-health.js'
import { checkLimits, checkLimitsOfListeners } from './check-limits.js'
import { checkListenerStarttls } from './check-listener-starttls.js'
import { checkLoops } from './check-loops.js'
import { checkMavis } from './check-mavis.js'
import { checkPools, checkPoolsOfListeners } from './check-pools.js'
import { checkPorts } from './check-ports.js'
import { checkProxies } from './check-proxy.js'
import {
  checkDynamicRoutes,
  checkListenersOfRoutes,
  checkOrderOfRoutes,
  checkPoolsOfRoutes,
} from './check-routes.js'
import { checkSendProxy } from './check-send-proxy.js'
import { checkListenerSockets, checkRemoteSockets } from './check-sockets.js'
import { checkStarttls } from './check-starttls.js'
import { checkListenersOfTests, checkPoolsOfTests } from './check-tests.js'
import { checkTls } from './check-tls.js'
import type { BindTarget } from './endpoint.js'
import { NEED_NAMES } from './landed.js'
import type { GivenDirective } from './parser.js'
import type { ConfigProblem, Problems } from './problems.js'
import type { Need } from './row.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/**
 * The `may…` and `has…` fields suppress reports of what is missing: a directive with an error may have been
 * it.
 */
export interface CheckInput {
  /** Undefined: the section was not read. */
  readonly spawnd: SpawndSettings | undefined
  readonly tcprelay: TcprelaySettings | undefined
  /** Whether there is a listener, or an error in the section that may hide one. */
  readonly hasListeners: boolean
  readonly hasRemotes: boolean
  /** An error in the tcprelay section may hide a certificate. */
  readonly mayHaveCertificate: boolean
  /** An error in the tcprelay section may hide a pool. */
  readonly mayHavePool: boolean
  /** An error in the tcprelay section may hide a MAVIS module. */
  readonly mayHaveModule: boolean
  /** An error in the spawnd section may hide a listener. */
  readonly mayHaveListener: boolean
  /** An error in the spawnd section may hide an access rule. */
  readonly mayHaveRule: boolean
  readonly isInetd: boolean
}

/** Reports contradictions between directives, and what is missing. */
export function checkConfiguration(input: CheckInput, problems: Problems): void {
  const {
    spawnd,
    tcprelay,
    hasListeners,
    hasRemotes,
    mayHaveCertificate,
    mayHaveModule,
    mayHavePool,
    mayHaveListener,
    mayHaveRule,
    isInetd,
  } = input
  if (spawnd !== undefined) {
    if (!hasListeners && !isInetd) {
      problems.error(spawnd.position, 'no listeners defined', { code: 'no-listeners' })
    }
    checkDatagrams(spawnd, problems)
    checkCapsOfListeners(spawnd, problems)
    checkProxies(spawnd, problems)
    checkAdmin(spawnd, problems)
    checkListenerStarttls(spawnd, problems)
    checkLimitsOfListeners(spawnd, problems)
    checkAccess(spawnd, mayHaveRule, problems)
    checkOverlaps(
      spawnd.listeners.filter(({ hasMistakes }) => !hasMistakes),
      problems,
    )
    checkListenerSockets(spawnd.listeners, problems)
  }
  if (tcprelay !== undefined) {
    if (!hasRemotes) problems.error(tcprelay.position, 'no remotes defined', { code: 'no-remotes' })
    checkPools(tcprelay, problems)
    checkQueues(tcprelay, problems)
    checkLimits(tcprelay, problems)
    checkDiscovery(tcprelay, problems)
    checkHealth(tcprelay, problems)
    if (!mayHavePool) {
      checkPoolsOfRoutes(tcprelay, problems)
      checkPoolsOfTests(tcprelay, problems)
    }
    checkOrderOfRoutes(tcprelay, problems)
    checkAccessOfRoutes(tcprelay.routes, problems)
    checkTls(spawnd, tcprelay, mayHaveCertificate, problems)
    if (spawnd !== undefined) {
      if (!mayHavePool) checkPoolsOfListeners(spawnd, tcprelay, problems)
      if (!mayHaveListener) {
        checkListenersOfRoutes(spawnd, tcprelay, problems)
        checkListenersOfTests(spawnd, tcprelay, problems)
      }
      checkDynamicRoutes(spawnd, tcprelay, problems)
      checkPorts(spawnd, tcprelay, problems)
      checkLoops(spawnd, tcprelay, problems)
    }
    checkRemoteSockets(tcprelay, problems)
    checkSendProxy(tcprelay, problems)
    checkStarttls(tcprelay, problems)
    checkMavis(spawnd, tcprelay, mayHaveModule, problems)
  }
}

/**
 * An error for each directive that needs a feature which this version does not have. `areForeign`: the children are
 * another program and handle forwarded directives themselves.
 */
export function unlandedProblems(
  given: readonly GivenDirective[],
  landed: ReadonlySet<Need>,
  areForeign: boolean,
): readonly ConfigProblem[] {
  return given.flatMap(({ isForwarded, needs, name, position }) => {
    if (needs === undefined || landed.has(needs) || (isForwarded && areForeign)) return []
    const message = `'${name}' needs ${NEED_NAMES[needs]}, which this version does not have yet`
    return [{ severity: 'error' as const, position, message }]
  })
}

function checkOverlaps(listeners: readonly ListenerSettings[], problems: Problems): void {
  const known = new Map<number | string, ListenerSettings[]>()
  for (const later of listeners) {
    const place = portOrPath(later.bind)
    // A rejected directive may have been its protocol or device, so that there is no overlap: UDP and TCP ports
    // differ.
    if (place === undefined || later.hasMistakes) continue
    // By port or path, so that thousands of listeners are not compared in pairs.
    const others = known.get(place) ?? []
    const earlier = others.find((candidate) => overlap(candidate, later))
    others.push(later)
    known.set(place, others)
    if (earlier === undefined) continue
    const { file, line } = earlier.position
    const text = `${describe(later.bind)} is already used by the listener at ${file}:${line}`
    problems.warn(later.position, text)
  }
}

/** The port or path that two listeners may compete for; undefined if there is none. */
function portOrPath(bind: BindTarget): number | string | undefined {
  const address = boundAddress(bind)
  return address?.family === 'unix' ? address.path : address?.port
}

/** Whether two listeners with the same port or path conflict. */
function overlap(a: ListenerSettings, b: ListenerSettings): boolean {
  if (portsOf(a) !== portsOf(b) || a.device !== b.device) return false
  const [left, right] = [boundAddress(a.bind), boundAddress(b.bind)]
  if (left === undefined || right === undefined) return false
  if (left.family === 'unix' || right.family === 'unix') return left.family === right.family
  if (left.port === 0) return false
  return covers(left, right, a) || covers(right, left, b)
}

/** Multipath TCP shares the ports of TCP. */
function portsOf({ protocol }: ListenerSettings): string {
  return protocol === 'MPTCP' ? 'TCP' : protocol
}

/** Whether a socket bound to `wide` also covers the address `narrow`; a dual-stack `::` covers IPv4 as well. */
function covers(wide: SocketAddress, narrow: SocketAddress, { ipv6Only }: ListenerSettings): boolean {
  if (wide.family === 'unix' || narrow.family === 'unix') return false
  if (wide.host === '::') return !ipv6Only || narrow.family === 'ipv6'
  if (wide.family !== narrow.family) return false
  return wide.host === '0.0.0.0' || formatAddress(wide) === formatAddress(narrow)
}

function boundAddress(bind: BindTarget): SocketAddress | undefined {
  if (bind.kind === 'address') return bind.address
  return bind.kind === 'any' ? { family: 'ipv6', host: '::', port: bind.port, scope: '' } : undefined
}

function describe(bind: BindTarget): string {
  const address = boundAddress(bind)
  return address === undefined ? 'it' : formatAddress(address)
}
