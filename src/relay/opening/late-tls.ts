/**
 * Clients that said nothing within `tls detect timeout` were let in as plain. Where modules were asked about a client
 * without a name, its first bytes are still checked: a TLS name that comes later must not get past that question.
 */
import { EAGAIN, EINTR } from '../../kernel/errno.js'
import { READABLE } from '../../reactor/poller.js'
import { readClientHello } from '../../wire/client-hello.js'
import type { Session } from '../session.js'
import { BLOCK_BYTES } from '../transfer/blocks.js'

/**
 * Whether the first bytes of a client that was let in as plain, because it was silent, are there and plain: others were
 * asked about a client without a name. If they are those of TLS, the session is over.
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
