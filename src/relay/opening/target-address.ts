/** The destination address of an attempt. */
import { type NativeAddress, portIn, setPort } from '../../kernel/sockaddr.js'
import type { DialTarget, RemotePorts } from '../remotes.js'
import type { Session } from '../session.js'

/**
 * The address of the chosen remote with this index. Unless the port is the remote's own, it is written into the shared
 * address and valid until the next call; it is zero for clients of Unix sockets, which have no port.
 */
export function targetAddress(session: Session, index: number): NativeAddress {
  const target = targetOf(session)
  const address = target.addressAt(index)
  if (target.ports !== 'own') setPort(address, portFor(session, target.ports))
  return address
}

/** What the session dials: the host that its client asks for, or the chosen remote. */
export function targetOf({ relay, remoteSlot, target }: Session): DialTarget {
  return target ?? relay.remotes.at(remoteSlot)
}

function portFor(session: Session, ports: Exclude<RemotePorts, 'own'>): number {
  if (ports !== 'same') return ports[session.listenerSlot] ?? 0
  const { dialling } = session
  dialling.clientPort ??= arrivalPort(session)
  return dialling.clientPort
}

/** From the socket, because classic masters do not send it and adopted listeners have no configured port. */
function arrivalPort({ client, relay }: Session): number {
  const { blocks, system } = relay
  return system.calls.localAddress(client.fd, blocks.scratch) < 0 ? 0 : portIn(blocks.scratch.bytes)
}

export function hasTls({ relay, remoteSlot }: Session): boolean {
  return relay.tls.remotes[remoteSlot] !== undefined
}
