import { formatAddress, type SocketAddress } from '../base/address.js'
import { checkAccess } from './check-access.js'
import { checkDatagrams } from './check-datagrams.js'
import { checkLoops } from './check-loops.js'
import { checkMavis } from './check-mavis.js'
import { checkPorts } from './check-ports.js'
import { checkListenerSockets, checkRemoteSockets } from './check-sockets.js'
import { checkTls } from './check-tls.js'
import type { BindTarget } from './endpoint.js'
import { NEED_NAMES } from './landed.js'
import type { GivenDirective } from './parser.js'
import type { ConfigProblem, Problems } from './problems.js'
import type { Need } from './row.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'
import type { TcprelaySettings } from './table-tcprelay.js'

export interface CheckInput {
  /** Undefined: the section was not read. */
  readonly spawnd: SpawndSettings | undefined
  readonly tcprelay: TcprelaySettings | undefined
  /** Whether there are any, or mistakes in the section that may have been meant as one. */
  readonly hasListeners: boolean
  readonly hasRemotes: boolean
  /** In the tcprelay section something was not understood that may have been a certificate. */
  readonly mayHaveCertificate: boolean
  /** The same of a MAVIS module, or what goes with it. */
  readonly mayHaveModule: boolean
  /** In the spawnd section something was not understood that may have been an access rule. */
  readonly mayHaveRule: boolean
  readonly isInetd: boolean
}

/** Checks what no directive can see for itself. */
export function checkConfiguration(input: CheckInput, problems: Problems): void {
  const {
    spawnd,
    tcprelay,
    hasListeners,
    hasRemotes,
    mayHaveCertificate,
    mayHaveModule,
    mayHaveRule,
    isInetd,
  } = input
  if (spawnd !== undefined) {
    if (!hasListeners && !isInetd) {
      problems.error(spawnd.position, 'no listeners defined', { code: 'no-listeners' })
    }
    checkDatagrams(spawnd, problems)
    if (!mayHaveRule) checkAccess(spawnd.accessRules, problems)
    checkOverlaps(
      spawnd.listeners.filter(({ hasMistakes }) => !hasMistakes),
      problems,
    )
    checkListenerSockets(spawnd.listeners, problems)
  }
  if (tcprelay !== undefined) {
    if (!hasRemotes) problems.error(tcprelay.position, 'no remotes defined', { code: 'no-remotes' })
    checkTls(spawnd, tcprelay, mayHaveCertificate, problems)
    if (spawnd !== undefined) {
      checkPorts(spawnd, tcprelay, problems)
      checkLoops(spawnd, tcprelay, problems)
    }
    checkRemoteSockets(tcprelay, problems)
    checkMavis(spawnd, tcprelay, mayHaveModule, problems)
  }
}

/**
 * An error for each directive that asks for a feature which is not in `landed`. `areForeign`: children of another
 * program do what is forwarded to them.
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
    // A mistake may hide its protocol or device: the port of `protocol = UDP` is not one of TCP.
    if (place === undefined || later.hasMistakes) continue
    const others = known.get(place) ?? []
    const earlier = others.find((candidate) => overlap(candidate, later))
    others.push(later)
    known.set(place, others)
    if (earlier === undefined) continue
    const { file, line } = earlier.position
    const text = `${describe(later.bind)} is taken by the listener at ${file}:${line} already`
    problems.warn(later.position, text)
  }
}

/** Where another listener may be in its way; undefined: nowhere. */
function portOrPath(bind: BindTarget): number | string | undefined {
  const address = boundAddress(bind)
  return address?.family === 'unix' ? address.path : address?.port
}

/** Of two with the same port or path. */
function overlap(a: ListenerSettings, b: ListenerSettings): boolean {
  if (portsOf(a) !== portsOf(b) || a.device !== b.device) return false
  const [left, right] = [boundAddress(a.bind), boundAddress(b.bind)]
  if (left === undefined || right === undefined) return false
  if (left.family === 'unix' || right.family === 'unix') return left.family === right.family
  if (left.port === 0) return false
  return covers(left, right, a) || covers(right, left, b)
}

/** Multipath TCP has the ports of TCP. */
function portsOf({ protocol }: ListenerSettings): string {
  return protocol === 'MPTCP' ? 'TCP' : protocol
}

/** Whether a socket bound to `wide` leaves no room for one bound to `narrow`; `::` takes IPv4 as well, if it may. */
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
