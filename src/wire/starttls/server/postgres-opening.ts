/**
 * PostgreSQL before TLS (Frontend/Backend Protocol, "SSL Session Encryption"): SSLRequest, or the ClientHello at once as
 * clients of version 17 may send it. The client speaks first.
 */
import type { ByteString } from '../../../base/byte-string.js'
import { longAt } from '../../sniff/read.js'
import { ByteCollector } from './byte-collector.js'
import {
  BYTES_BEHIND,
  goOn,
  OPENING_BYTES_MAX,
  type PlainOpening,
  refuse,
  type Step,
  TOO_LONG,
  WITHOUT_TLS,
} from './plain-opening.js'

const HANDSHAKE_RECORD = 0x16

/** In the place of the protocol version. */
const CANCEL_REQUEST = 80_877_102
const SSL_REQUEST = 80_877_103
const GSSENC_REQUEST = 80_877_104

/** A length and a version. */
const HEAD_BYTES = 8

const MALFORMED = 'the client does not speak PostgreSQL'

/** As a server answers for which `pg_hba.conf` has only lines with `hostssl`. SQLSTATE 28000: invalid authorization. */
const NO_ENCRYPTION = errorResponse(
  '28000',
  'TLS is required: connections without encryption are not accepted',
)

export class PostgresOpening implements PlainOpening {
  readonly greeting = ''
  readonly #collector = new ByteCollector()
  #isFirst = true
  /** A client that is denied encryption by GSSAPI asks once. */
  #wasDenied = false

  take(bytes: Uint8Array, byteCount: number): Step {
    if (this.#isFirst && bytes[0] === HANDSHAKE_RECORD) return { taken: 0, reply: '', next: 'tls', why: '' }
    this.#isFirst = false
    const all = this.#collector.join(bytes, byteCount)
    if (all === undefined) return refuse(byteCount, '', TOO_LONG)
    if (all.length >= HEAD_BYTES) return this.#answer(all, byteCount)
    this.#collector.keep(all)
    return goOn(byteCount, '')
  }

  #answer(message: Uint8Array, byteCount: number): Step {
    const length = longAt(message, 0)
    const version = longAt(message, 4)
    if (length < HEAD_BYTES || length > OPENING_BYTES_MAX) return refuse(byteCount, '', MALFORMED)
    const isRequest = version === SSL_REQUEST || version === GSSENC_REQUEST
    if (isRequest && length !== HEAD_BYTES) return refuse(byteCount, '', MALFORMED)
    if (isRequest && message.length > HEAD_BYTES) return refuse(byteCount, '', BYTES_BEHIND)
    if (version === SSL_REQUEST) return { taken: byteCount, reply: 'S', next: 'tls', why: '' }
    if (version === GSSENC_REQUEST && !this.#wasDenied) {
      this.#wasDenied = true
      this.#collector.keep(new Uint8Array(0))
      return goOn(byteCount, 'N')
    }
    // No client reads an answer to a request to cancel.
    return refuse(byteCount, version === CANCEL_REQUEST ? '' : NO_ENCRYPTION, WITHOUT_TLS)
  }
}

/** ErrorResponse: severity (translated and not), SQLSTATE, message. */
function errorResponse(code: string, message: string): ByteString {
  const fields = `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`
  return `E\0\0\0${String.fromCharCode(4 + fields.length)}${fields}`
}
