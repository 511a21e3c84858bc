/** Tries the configured socket options on this machine. */
import type { Position } from '../../base/problem.js'
import type { ConfigProblem } from '../../config/problems.js'
import type { RelayingSettings } from '../../config/table-relaying.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'
import type { Calls, Outcome } from '../../kernel/calls.js'
import { passOnNetAdmin } from '../../kernel/capabilities.js'
import * as c from '../../kernel/constants.js'
import { EINVAL, ENODEV, ENOENT, ENOPROTOOPT, EPERM, errorText } from '../../kernel/errno.js'
import { lacksMptcp, openMptcp } from '../../kernel/mptcp.js'
import { ephemeralPorts } from '../../kernel/port-range.js'
import { congestionAlgorithms, fastOpenSides } from '../../kernel/socket-limits.js'
import { applyOptions, namesOfSet, type OptionName, socketOptions } from '../../kernel/socket-options.js'
import { localPorts, needsNetAdmin, sourcesIn, usesClientAddress } from '../compile/socket-settings.js'
import type { Loaded } from '../load/load.js'
import { placeOf } from './place-of.js'

const NEEDS_NET_ADMIN = 'requires CAP_NET_ADMIN'

/**
 * Errors and warnings for socket options that the kernel rejects. Each is set on a scratch socket that is never
 * connected; without such directives no socket is opened.
 */
export function socketProblems(calls: Calls, loaded: Loaded, hasChildren: boolean): readonly ConfigProblem[] {
  const { spawnd, tcprelay } = loaded
  const ofListeners = spawnd.listeners.flatMap((listener) => {
    const { bind, fastOpenQueue } = listener
    const isUnix = bind.kind === 'address' && bind.address.family === 'unix'
    if (isUnix) return []
    // A name may have addresses of both families: IPv6 sockets take the options of both.
    const family = bind.kind === 'address' && bind.address.family === 'ipv4' ? c.AF_INET : c.AF_INET6
    return [
      ...socketFindings(calls, listener, family),
      // Bits of net.ipv4.tcp_fastopen: 2 for servers, 1 for clients (tcp(7)).
      ...(fastOpenQueue > 0 && !fastOpenSides().server ? [noFastOpen(listener, 'clients', 2)] : []),
    ]
  })
  // Children of another program connect to remotes themselves.
  if (hasChildren && spawnd.spawn.exec !== undefined) return ofListeners
  const ofRemotes = tcprelay.remotes.flatMap((remote) => {
    const { fastOpen, target } = remote
    if (target.kind === 'address' && target.address.family === 'unix') return []
    // All members have the same options.
    if (target.kind === 'discovered' && target.index > 0) return []
    const family = target.kind === 'address' && target.address.family === 'ipv6' ? c.AF_INET6 : c.AF_INET
    return [
      ...socketFindings(calls, remote, family),
      ...(fastOpen && !fastOpenSides().client ? [noFastOpen(remote, 'remotes', 1)] : []),
    ]
  })
  return [...ofListeners, ...ofRemotes, ...sourceFindings(calls, loaded, hasChildren)]
}

/** Tries the options that every socket of a listener or remote gets. */
function socketFindings(
  calls: Calls,
  settings: ListenerSettings | RemoteSettings,
  family: number,
): ConfigProblem[] {
  const { position, protocol } = settings
  const options = socketOptions(settings)
  // A kernel without MPTCP is only worth a warning: such sockets fall back to TCP.
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

/** Tries the source address and source ports of connections to remotes. */
function sourceFindings(calls: Calls, loaded: Loaded, hasChildren: boolean): ConfigProblem[] {
  const refused = transparencyFindings(calls, loaded)
  // Only if this process itself may set the option: one problem has one message.
  const passing = hasChildren && refused.length === 0 ? passingFindings(loaded) : []
  return [...refused, ...passing, ...portRangeFindings(calls, loaded)]
}

function transparencyFindings(calls: Calls, loaded: Loaded): ConfigProblem[] {
  if (!usesClientAddress(loaded)) return []
  const errno = refusedBy(calls, (fd) => calls.setOption(fd, c.IPPROTO_IP, c.IP_TRANSPARENT, 1))
  if (errno === 0) return []
  const why = errno === EPERM ? NEEDS_NET_ADMIN : errorText(errno)
  return [error(placeOf(loaded, 'local address'), `local address = client: ${why}`)]
}

/** Children with another user keep CAP_NET_ADMIN only if this process is able to pass it on. */
function passingFindings(loaded: Loaded): ConfigProblem[] {
  const { group, position, user } = loaded.spawnd.spawn
  const isOther = user !== undefined || group !== undefined
  if (!isOther || !needsNetAdmin(loaded)) return []
  // Tried and reverted at once: nothing is started in between.
  const end = passOnNetAdmin()
  end?.()
  if (end !== undefined) return []
  const what = usesClientAddress(loaded) ? 'local address = client' : 'fwmark'
  return [
    error(position, `'${what}' requires CAP_NET_ADMIN, which this process cannot pass on to another user`),
  ]
}

/** Each range once: most pools have that of the section. */
function portRangeFindings(calls: Calls, loaded: Loaded): ConfigProblem[] {
  const ranges = new Map(sourcesIn(loaded).map((one) => [localPorts(one), one.localPortRange]))
  return [...ranges].flatMap(([packed, range]) =>
    range === undefined ? [] : findingsOfRange(calls, loaded, range, packed),
  )
}

function findingsOfRange(
  calls: Calls,
  loaded: Loaded,
  { least, most }: NonNullable<RelayingSettings['localPortRange']>,
  packed: number,
): ConfigProblem[] {
  const report = (why: string) => [
    error(placeOf(loaded, 'local port range'), `local port range = ${least}-${most}: ${why}`),
  ]
  const errno = refusedBy(calls, (fd) => calls.setOption(fd, c.IPPROTO_IP, c.IP_LOCAL_PORT_RANGE, packed))
  // Older kernels do not have the option.
  if (errno === ENOPROTOOPT || errno === EINVAL) return report('requires Linux 6.3')
  if (errno !== 0) return report(errorText(errno))
  const system = ephemeralPorts()
  if (least >= system.least && most <= system.most) return []
  // The kernel accepts such a range and ignores the part outside.
  return report(`not within net.ipv4.ip_local_port_range = ${system.least} ${system.most}`)
}

/** The errno of a call on a TCP socket; 0 if it succeeds, or if no socket can be opened. */
function refusedBy(calls: Calls, attempt: (fd: number) => Outcome): number {
  let outcome = 0
  tryOn(calls, c.AF_INET, false, (fd) => {
    outcome = attempt(fd)
  })
  return Math.max(0, -outcome)
}

/**
 * Runs the attempt on a scratch socket. Without a socket (descriptors exhausted, family missing) nothing is reported.
 */
function tryOn(calls: Calls, family: number, isMptcp: boolean, attempt: (fd: number) => void): void {
  const fd = isMptcp ? openMptcp(calls, family) : calls.socket(family, c.SOCK_STREAM, 0)
  if (fd < 0) return
  attempt(fd)
  calls.close(fd)
}

/** The problem at the directive, with what an administrator can do if it is known. */
function refusal(
  settings: ListenerSettings | RemoteSettings,
  name: OptionName,
  errno: number,
): ConfigProblem {
  const { congestion, device, dscp, fwmark, position, userTimeoutMs } = settings
  switch (name) {
    case 'device':
      // A warning only: the interface may appear later, as that of a tunnel.
      if (errno === ENODEV)
        return {
          severity: 'warning',
          position,
          message: `bind to device = ${device}: this interface does not exist now`,
        }
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
    const known = `this kernel supports ${congestionAlgorithms()}`
    return `unknown; ${known} (/proc/sys/net/ipv4/tcp_available_congestion_control)`
  }
  // tcp(7): algorithms that are not in the list of allowed ones are reserved for CAP_NET_ADMIN.
  if (errno === EPERM) return `${NEEDS_NET_ADMIN}: it is not in net.ipv4.tcp_allowed_congestion_control`
  return errorText(errno)
}

function noMptcp(position: Position): ConfigProblem {
  const message =
    'protocol = MPTCP: not supported by this kernel, or net.mptcp.enabled is 0: TCP is used instead'
  return { severity: 'warning', position, message }
}

function noFastOpen({ position }: { position: Position }, peers: string, bit: number): ConfigProblem {
  const message = `fast open: net.ipv4.tcp_fastopen does not enable it for ${peers}: bit ${bit} is not set`
  return { severity: 'warning', position, message }
}

function error(position: Position, message: string): ConfigProblem {
  return { severity: 'error', position, message }
}
