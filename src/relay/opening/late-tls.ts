/**
 * Late TLS: a client that was silent until `tls detect timeout` is accepted as plain. If MAVIS was asked about it
 * without a TLS name, its first bytes are still checked: a ClientHello that comes later would bypass that decision.
 */
import { EAGAIN, EINTR } from '../../kernel/errno.js'
import { READABLE } from '../../reactor/poller.js'
import { readClientHello } from '../../wire/client-hello.js'
import type { Session } from '../session.js'
import { BLOCK_BYTES } from '../transfer/blocks.js'

/**
 * Peeks at the first bytes of a client that was accepted as plain. True when they have arrived and are not TLS; if
 * they are TLS the session is cut.
 */
export function areFirstBytesPlain(session: Session): boolean {
  const { blocks, system } = session.relay
  const { client } = session
  const seen = system.calls.peek(client.fd, blocks.scratch, 0, BLOCK_BYTES)
  if (seen === -EAGAIN || seen === -EINTR) {
    session.again(client, READABLE)
    return false
  }
  const isPlain = seen <= 0 || readClientHello(blocks.scratch.bytes.subarray(0, seen)).kind === 'not-tls'
  client.mustBePlain = !isPlain
  if (!isPlain) {
    client.onProtocolError('the client had been accepted as plain when `tls detect timeout` expired')
    session.cut('bad-greeting')
  }
  return isPlain
}
