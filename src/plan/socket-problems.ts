import type { Position } from '../base/problem.js'
import type { ConfigProblem } from '../config/problems.js'
import type { ListenerSettings } from '../config/table-spawnd.js'
import type { RemoteSettings } from '../config/table-tcprelay.js'
import type { Calls, Outcome } from '../kernel/calls.js'
import { passOnNetAdmin } from '../kernel/capabilities.js'
import * as c from '../kernel/constants.js'
import { EINVAL, ENODEV, ENOENT, ENOPROTOOPT, EPERM, errorText } from '../kernel/errno.js'
import { lacksMptcp, openMptcp } from '../kernel/mptcp.js'
import { ephemeralPorts } from '../kernel/port-range.js'
import { congestionAlgorithms, fastOpenSides } from '../kernel/socket-limits.js'
import { applyOptions, namesOfSet, type OptionName } from '../kernel/socket-options.js'
import type { Loaded } from './load.js'
import { placeOf } from './place-of.js'
import { localPorts, needsNetAdmin, socketOptions } from './socket-settings.js'

const NEEDS_NET_ADMIN = 'that needs CAP_NET_ADMIN'

/**
 * What this machine says to the sockets that a right configuration asks for, tried on sockets that connect to nobody.
 * Without such directives nothing is tried.
 */
export function socketProblems(calls: Calls, loaded: Loaded, hasChildren: boolean): readonly ConfigProblem[] {
  const { spawnd, tcprelay } = loaded
  const ofListeners = spawnd.listeners.flatMap((listener) => {
    const { bind, fastOpenQueue } = listener
    const isUnix = bind.kind === 'address' && bind.address.family === 'unix'
    if (isUnix) return []
    const family = bind.kind === 'address' && bind.address.family === 'ipv4' ? c.AF_INET : c.AF_INET6
    return [
      ...socketFindings(calls, listener, family),
      ...(fastOpenQueue > 0 && !fastOpenSides().server ? [noFastOpen(listener, 'clients', 2)] : []),
    ]
  })
  // Children of another program connect to remotes in their own way.
  if (hasChildren && spawnd.spawn.exec !== undefined) return ofListeners
  const ofRemotes = tcprelay.remotes.flatMap((remote) => {
    const { fastOpen, target } = remote
    if (target.kind === 'address' && target.address.family === 'unix') return []
    const family = target.kind === 'address' && target.address.family === 'ipv6' ? c.AF_INET6 : c.AF_INET
    return [
      ...socketFindings(calls, remote, family),
      ...(fastOpen && !fastOpenSides().client ? [noFastOpen(remote, 'remotes', 1)] : []),
    ]
  })
  return [...ofListeners, ...ofRemotes, ...sourceFindings(calls, loaded, hasChildren)]
}

/** Options that every socket of a listener or remote gets. */
function socketFindings(
  calls: Calls,
  settings: ListenerSettings | RemoteSettings,
  family: number,
): ConfigProblem[] {
  const { position, protocol } = settings
  const options = socketOptions(settings)
  const isMptcp = protocol === 'MPTCP'
  const lacking = isMptcp && lacksMptcp(calls, c.AF_INET) ? [noMptcp(position)] : []
  if (namesOfSet(options).length === 0) return lacking
  const refused: { name: OptionName; errno: number }[] = []
  tryOn(calls, family, isMptcp, (fd) => {
    let name: OptionName | undefined
    const outcome = applyOptions(calls, fd, family, options, (one) => {
      name = one
    })
    if (name !== undefined) refused.push({ name, errno: -outcome })
  })
  return [...lacking, ...refused.map(({ errno, name }) => refusal(settings, name, errno))]
}

/** Where connections to remotes come from. */
function sourceFindings(calls: Calls, loaded: Loaded, hasChildren: boolean): ConfigProblem[] {
  const refused = transparencyFindings(calls, loaded)
  const passing = hasChildren && refused.length === 0 ? passingFindings(loaded) : []
  return [...refused, ...passing, ...portRangeFindings(calls, loaded)]
}

function transparencyFindings(calls: Calls, loaded: Loaded): ConfigProblem[] {
  if (loaded.tcprelay.localAddress !== 'client') return []
  const errno = refusedBy(calls, (fd) => calls.setOption(fd, c.IPPROTO_IP, c.IP_TRANSPARENT, 1))
  if (errno === 0) return []
  const why = errno === EPERM ? NEEDS_NET_ADMIN : errorText(errno)
  return [error(placeOf(loaded, 'local address'), `local address = client: ${why}`)]
}

/** Children that become another user keep the capability only if this process may see to that. */
function passingFindings(loaded: Loaded): ConfigProblem[] {
  const { spawnd, tcprelay } = loaded
  const { group, position, user } = spawnd.spawn
  const isOther = user !== undefined || group !== undefined
  if (!isOther || !needsNetAdmin(loaded)) return []
  const end = passOnNetAdmin()
  end?.()
  if (end !== undefined) return []
  const what = tcprelay.localAddress === 'client' ? 'local address = client' : 'fwmark'
  return [
    error(position, `'${what}' needs CAP_NET_ADMIN, which this process may not pass on to another user`),
  ]
}

function portRangeFindings(calls: Calls, loaded: Loaded): ConfigProblem[] {
  const { localPortRange } = loaded.tcprelay
  if (localPortRange === undefined) return []
  const { least, most } = localPortRange
  const tell = (why: string) => [
    error(placeOf(loaded, 'local port range'), `local port range = ${least}-${most}: ${why}`),
  ]
  const packed = localPorts(loaded.tcprelay)
  const errno = refusedBy(calls, (fd) => calls.setOption(fd, c.IPPROTO_IP, c.IP_LOCAL_PORT_RANGE, packed))
  if (errno === ENOPROTOOPT || errno === EINVAL) return tell('that needs Linux 6.3')
  if (errno !== 0) return tell(errorText(errno))
  const system = ephemeralPorts()
  if (least >= system.least && most <= system.most) return []
  // The kernel takes such a range, and ignores what is outside.
  return tell(`not within net.ipv4.ip_local_port_range = ${system.least} ${system.most}`)
}

/** What a call on a socket of TCP is refused with, 0 when it is not; nor when there is no socket to try it on. */
function refusedBy(calls: Calls, attempt: (fd: number) => Outcome): number {
  let outcome = 0
  tryOn(calls, c.AF_INET, false, (fd) => {
    outcome = attempt(fd)
  })
  return Math.max(0, -outcome)
}

/** A socket for trying things; without one, for lack of descriptors or of the family, nothing is said. */
function tryOn(calls: Calls, family: number, isMptcp: boolean, attempt: (fd: number) => void): void {
  const fd = isMptcp ? openMptcp(calls, family) : calls.socket(family, c.SOCK_STREAM, 0)
  if (fd < 0) return
  attempt(fd)
  calls.close(fd)
}

function refusal(
  settings: ListenerSettings | RemoteSettings,
  name: OptionName,
  errno: number,
): ConfigProblem {
  const { congestion, device, dscp, fwmark, position, userTimeoutMs } = settings
  switch (name) {
    case 'device':
      // It may come later, as that of a tunnel does.
      if (errno === ENODEV)
        return { severity: 'warning', position, message: `there is no device '${device}' now` }
      return error(position, `bind to device = ${device}: ${errorText(errno)}`)
    case 'fwmark':
      return error(position, `fwmark = ${fwmark}: ${errno === EPERM ? NEEDS_NET_ADMIN : errorText(errno)}`)
    case 'dscp':
      return error(position, `dscp = ${dscp}: ${errorText(errno)}`)
    case 'congestion':
      return error(position, `congestion = ${congestion}: ${congestionReason(errno)}`)
    case 'userTimeoutMs':
      return error(position, `user timeout = ${userTimeoutMs / 1000}: ${errorText(errno)}`)
  }
}

function congestionReason(errno: number): string {
  if (errno === ENOENT) {
    const known = `this kernel has ${congestionAlgorithms()}`
    return `unknown; ${known} (/proc/sys/net/ipv4/tcp_available_congestion_control)`
  }
  if (errno === EPERM) return `${NEEDS_NET_ADMIN}: it is not in net.ipv4.tcp_allowed_congestion_control`
  return errorText(errno)
}

function noMptcp(position: Position): ConfigProblem {
  const message = 'protocol = MPTCP: this kernel has none, or net.mptcp.enabled is 0: it will be TCP'
  return { severity: 'warning', position, message }
}

function noFastOpen({ position }: { position: Position }, whom: string, bit: number): ConfigProblem {
  const message = `fast open: net.ipv4.tcp_fastopen does not allow it with ${whom}: bit ${bit} is not set`
  return { severity: 'warning', position, message }
}

function error(position: Position, message: string): ConfigProblem {
  return { severity: 'error', position, message }
}
