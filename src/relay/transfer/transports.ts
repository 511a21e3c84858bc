/** The transport of each kind of socket, as accepted or connected. TLS comes on top by `Connection.speakTls`. */
import type { SocketKind } from '../../kernel/socket-kind.js'
import { SCTP } from './sctp-transport.js'
import { TCP } from './tcp-transport.js'
import type { Transport } from './transport.js'
import { UNIX } from './unix-transport.js'

export const TRANSPORTS: Readonly<Record<SocketKind, Transport>> = { tcp: TCP, unix: UNIX, sctp: SCTP }
