/** Binds and closes the sockets of listeners. */
import { adoptListener, openListener } from '../../accept/bind.js'
import { fileOf, formatAddress, type SocketAddress } from '../../base/address.js'
import type { BindTarget } from '../../config/endpoint.js'
import type { ListenerSettings, SpawndSettings } from '../../config/table-spawnd.js'
import type { Calls } from '../../kernel/calls.js'
import { AF_INET6, SOCK_STREAM } from '../../kernel/constants.js'
import { EADDRINUSE, errorText } from '../../kernel/errno.js'
import { mapPrivate, unmap } from '../../kernel/memory.js'
import { isSctpSocket } from '../../kernel/sctp-sockets.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../../kernel/sockaddr.js'
import type { SocketKind } from '../../kernel/socket-kind.js'
import { ERR, INFO } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { resolvable } from '../../plan/compile/resolvable.js'
import { protocolName } from '../../plan/compile/socket-names.js'
import { listenerOptions } from '../../plan/compile/socket-settings.js'
import { handedOver } from '../../services/handed-over.js'
import { resolveHost } from '../../services/resolver.js'
import {
  ownSocketFile,
  removeSocketFile,
  removeStaleSocket,
  type SocketAccess,
  type SocketFile,
  withMode,
} from '../../services/socket-file.js'

export interface BoundListener {
  readonly fd: number
  readonly socketKind: SocketKind
  /** The file of a Unix socket that this process has bound; removed when the listener is closed. */
  readonly socketFile: SocketFile | undefined
  /** The actual address: with the port that the system chose, or the address of a name. */
  readonly name: string
}

/** The configured address, which is the name in logs until the listener is bound. */
export function intendedName(settings: ListenerSettings): string {
  const { bind } = settings
  switch (bind.kind) {
    case 'address':
      return listenerName(formatAddress(bind.address), settings)
    case 'name':
      return listenerName(`${bind.host}:${bind.port}`, settings)
    case 'any':
      return listenerName(`*:${bind.port}`, settings)
    case 'inherited':
      return bind.name === undefined ? 'the socket of inetd' : `the socket '${bind.name}'`
  }
}

/** TCP, UDP and SCTP have separate ports, so the name has the protocol. */
function listenerName(name: string, { protocol, sctp }: ListenerSettings): string {
  return protocol === 'UDP' ? `udp:${name}` : protocolName(name, sctp)
}

/** The configured kind; an inherited socket may be of another one. */
export function intendedKind({ bind, sctp }: ListenerSettings): SocketKind {
  if (sctp !== undefined) return 'sctp'
  return bind.kind === 'address' && bind.address.family === 'unix' ? 'unix' : 'tcp'
}

/** Binds one listener and logs the result. Undefined: it could not be bound. */
export async function bindListener(
  calls: Calls,
  settings: ListenerSettings,
  say: Say,
): Promise<BoundListener | undefined> {
  // In the words of the original, which log monitors match.
  const retry =
    settings.bindRetryDelayMs > 0 ? ` Will retry every ${settings.bindRetryDelayMs / 1000} seconds.` : ''
  const failed = (name: string, why: string) => say(ERR, `bind to ${name} failed: ${why}.${retry}`)
  // The socket is bound already: nothing to look up, no file to own.
  if (settings.bind.kind === 'inherited') return adopt(calls, settings, settings.bind.name, failed, say)
  const address = await bindAddress(calls, settings.bind, settings.ipv6Only).catch((error: Error) => error)
  if (address instanceof Error) {
    failed(intendedName(settings), address.message)
    return undefined
  }
  const opened = openAt(calls, settings, address)
  if (typeof opened === 'string') {
    failed(listenerName(formatAddress(address), settings), opened)
    return undefined
  }
  const { fd, socketFile } = opened
  const name = listenerName(formatAddress(boundAddress(calls, fd) ?? address), settings)
  say(INFO, `bind to ${name} succeeded`)
  return { fd, socketKind: intendedKind(settings), socketFile, name }
}

/** Adopts a socket that systemd or inetd has passed. */
function adopt(
  calls: Calls,
  settings: ListenerSettings,
  name: string | undefined,
  failed: (name: string, why: string) => void,
  say: Say,
): BoundListener | undefined {
  const { sctp } = settings
  const fd = handedOver(calls, name)
  const outcome =
    typeof fd === 'string'
      ? fd
      : (wrongProtocol(calls, fd, settings) ?? adoptListener(calls, fd, listenerOptions(settings)))
  if (typeof fd === 'string' || typeof outcome === 'string' || outcome < 0) {
    failed(intendedName(settings), typeof outcome === 'string' ? outcome : errorText(-outcome))
    return undefined
  }
  const address = boundAddress(calls, fd)
  const bound = address === undefined ? intendedName(settings) : protocolName(formatAddress(address), sctp)
  say(INFO, `bind to ${bound} succeeded (via ${name === undefined ? 'inetd' : 'systemd'})`)
  // An inherited socket may be a Unix socket, whatever the directive says.
  const socketKind = address?.family === 'unix' ? 'unix' : intendedKind(settings)
  return { fd, socketKind, socketFile: undefined, name: bound }
}

/** The error if the protocol of an inherited socket differs from the configured one. */
function wrongProtocol(calls: Calls, fd: number, { sctp }: ListenerSettings): string | undefined {
  const isSctp = isSctpSocket(calls, fd)
  if (isSctp === (sctp !== undefined)) return undefined
  return isSctp ? "it is an SCTP socket: write 'protocol = SCTP'" : 'it is not an SCTP socket'
}

/** The bound socket, or the error. Replaces the file of a Unix socket that no process listens on. */
function openAt(
  calls: Calls,
  settings: ListenerSettings,
  address: SocketAddress,
): Pick<BoundListener, 'fd' | 'socketFile'> | string {
  const options = { ...listenerOptions(settings), address }
  const file = fileOf(address)
  const access = accessOf(settings)
  let socketFile: SocketFile | undefined
  // Ownership and mode must be set before clients can connect.
  const onBound = (fd: number) => {
    if (file !== undefined) socketFile = ownSocketFile(fd, file, access)
  }
  const bind = () => openListener(calls, options, onBound)
  const open = () => (file === undefined ? bind() : withMode(access, bind))
  try {
    // A Unix socket leaves its file behind when its process dies: bind(2) then fails with EADDRINUSE.
    const first = open()
    const isTaken = first === -EADDRINUSE && file !== undefined
    const fd = isTaken && removeStaleSocket(calls, file) ? open() : first
    return fd < 0 ? errorText(-fd) : { fd, socketFile }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Without `group`, the primary group of `user`. */
function accessOf({ group, mode, user }: ListenerSettings): SocketAccess {
  return { mode, uid: user?.uid, gid: group ?? user?.gid }
}

async function bindAddress(
  calls: Calls,
  bind: Exclude<BindTarget, { kind: 'inherited' }>,
  ipv6Only: boolean,
): Promise<SocketAddress> {
  switch (bind.kind) {
    case 'address':
      return bind.address
    case 'any':
      return ipv6Only ? anyOfIpv6(bind.port) : anyAddress(calls, bind.port)
    case 'name': {
      const [first] = await resolveHost(resolvable(bind))
      if (first === undefined) throw new Error('the name has no address')
      return first
    }
  }
}

/** `::`, which accepts IPv4 clients too, or `0.0.0.0` if the kernel has no IPv6. */
function anyAddress(calls: Calls, port: number): SocketAddress {
  // A kernel without IPv6, or started with ipv6.disable=1, rejects the family.
  const probe = calls.socket(AF_INET6, SOCK_STREAM, 0)
  if (probe < 0) return { family: 'ipv4', host: '0.0.0.0', port }
  calls.close(probe)
  return anyOfIpv6(port)
}

function anyOfIpv6(port: number): SocketAddress {
  return { family: 'ipv6', host: '::', port, scope: '' }
}

/** getsockname(2): the port that the kernel chose for port 0. */
function boundAddress(calls: Calls, fd: number): SocketAddress | undefined {
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  const byteLength = calls.localAddress(fd, region)
  const address = byteLength < 0 ? undefined : decodeAddress(region.bytes, byteLength)
  unmap(region)
  return address
}

/** Binds every listener of the section, in order; undefined for each one that could not be bound. */
export async function bindAll(
  calls: Calls,
  { listeners }: SpawndSettings,
  say: Say,
): Promise<(BoundListener | undefined)[]> {
  const bound: (BoundListener | undefined)[] = []
  for (const settings of listeners) bound.push(await bindListener(calls, settings, say))
  return bound
}

/** Closes listeners that have not been passed on, except the slots in `except`. */
export function closeListeners(
  calls: Calls,
  bound: readonly (BoundListener | undefined)[],
  except: ReadonlySet<number>,
): void {
  for (const [slot, listener] of bound.entries()) {
    if (listener === undefined || except.has(slot)) continue
    calls.close(listener.fd)
    if (listener.socketFile !== undefined) removeSocketFile(listener.socketFile)
  }
}
