import { type NativeAddress, portIn, setPort } from '../../kernel/sockaddr.js'
import type { RemotePorts } from '../remotes.js'
import type { Session } from '../session.js'

/**
 * Where the `attempt`-th try at the chosen remote goes. Where the port is not the remote's own, it is this session's
 * until another one aims, and zero for a client that has come to no port: one of a Unix socket.
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

/** Asked of the socket: a master that is not ours does not say it, and who hands over a listener neither. */
function arrivalPort({ client, relay }: Session): number {
  const { blocks, system } = relay
  return system.calls.localAddress(client.fd, blocks.scratch) < 0 ? 0 : portIn(blocks.scratch.bytes)
}
