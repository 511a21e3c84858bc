/** The destination address of an attempt. */
import { type NativeAddress, portIn, setPort } from '../../kernel/sockaddr.js'
import type { RemotePorts } from '../remotes.js'
import type { Session } from '../session.js'

/**
 * The address for the `attempt`-th attempt at the chosen remote. Unless the port is the remote's own, it is written
 * into the shared address and valid until the next call; it is zero for clients of Unix sockets, which have no port.
 */
export function targetAddress(session: Session, attempt: number): NativeAddress {
  const remote = session.relay.remotes.at(session.remoteSlot)
  const address = remote.addressAt(attempt)
  if (remote.ports !== 'own') setPort(address, portFor(session, remote.ports))
  return address
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
