/** TLS by its first bytes, as `readClientHello` takes them: only what no server would parse as TLS is NO. */
import { type Answer, MORE, NO, YES } from './answer.js'
import { byteAt } from './read.js'

/** An SSL 2.0 ClientHello: length, type and version. Records are decided by their first two bytes. */
export const TLS_BYTES_MAX = 4

const HANDSHAKE = 22
/** Content types of records: change_cipher_spec, alert, handshake, application_data (RFC 8446, section 5.1). */
const CONTENT_FIRST = 20
const CONTENT_LAST = 23
const MAJOR = 3
const VERSION_2_LENGTH_FLAG = 0x80
const CLIENT_HELLO = 1

/**
 * A handshake record is TLS by its content type alone, because some servers ignore its version. A ClientHello that
 * cannot be parsed is TLS too: the remote may be able to parse it, so no route for other protocols may match it.
 */
export function sniffTls(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < 1) return MORE
  const type = byteAt(bytes, from)
  if (type === HANDSHAKE) return YES
  if ((type & VERSION_2_LENGTH_FLAG) !== 0) return sniffVersion2(bytes, from, byteCount)
  if (type < CONTENT_FIRST || type > CONTENT_LAST) return NO
  if (byteCount < 2) return MORE
  return byteAt(bytes, from + 1) === MAJOR ? YES : NO
}

/** An SSL 2.0 ClientHello that offers newer versions (RFC 5246, appendix E.2). */
function sniffVersion2(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount < 3) return MORE
  if (byteAt(bytes, from + 2) !== CLIENT_HELLO) return NO
  if (byteCount < TLS_BYTES_MAX) return MORE
  return byteAt(bytes, from + 3) === MAJOR ? YES : NO
}
