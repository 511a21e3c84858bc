import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { ACK, ERR, FINAL, type Module, NAK, NFD, type Query } from './module.js'
import type { AuthSettings } from './settings.js'

/**
 * Module `auth`: compares the client's password or certificate subject with DBPASSWORD or DBCERTSUBJ, which modules below
 * answer without a RESULT. An answer with RESULT ACK or NFD has nothing to compare and becomes NFD. The original also
 * converts NAK and ERR to NFD; here they are kept, because `mavis default = permit` would accept NFD.
 */
export class Auth implements Module {
  /** Whether the subject of a certificate is ignored, required, or sufficient. */
  readonly #mode: AuthSettings['mode']

  constructor({ mode }: AuthSettings) {
    this.#mode = mode
  }

  review({ values }: Query): typeof FINAL {
    const result = values[AV.RESULT]
    if (result === NAK || result === ERR) return FINAL
    const isKnown = values[AV.DBPASSWORD] !== undefined || values[AV.DBCERTSUBJ] !== undefined
    // An answer with a RESULT was decided elsewhere; one without anything to compare names no known user.
    const [verdict, comment] = result === undefined && isKnown ? this.#compare(values) : [NFD, undefined]
    values[AV.RESULT] = verdict
    if (comment !== undefined) values[AV.COMMENT] = comment
    return FINAL
  }

  /** The RESULT and COMMENT of the comparison. */
  #compare(values: Query['values']): readonly [ByteString, ByteString | undefined] {
    const byPassword = passwordVerdict(values[AV.PASSWORD], values[AV.DBPASSWORD])
    if (this.#mode === 'password') return byPassword
    const [shown, known] = [values[AV.CERTSUBJ], values[AV.DBCERTSUBJ]]
    const areBothKnown = shown !== undefined && known !== undefined
    // A subject that matches is only sufficient in that mode; otherwise the password must match, too.
    const isSame = areBothKnown && isOneOf(known, shown)
    if (isSame) return this.#mode === 'cert-sufficient' ? [ACK, 'certificate'] : byPassword
    const mismatch = areBothKnown ? 'certificate mismatch' : 'certificate missing'
    if (this.#mode === 'cert-required') return [NAK, mismatch]
    const [verdict, comment] = byPassword
    return [verdict, comment ?? mismatch]
  }
}

/** Compares the texts as they are: DBPASSWORD holds no hash. */
function passwordVerdict(
  shown: ByteString | undefined,
  known: ByteString | undefined,
): readonly [ByteString, ByteString | undefined] {
  if (known === undefined) return [NFD, undefined]
  if (shown === undefined) return [NAK, 'password not set']
  return shown === known ? [ACK, undefined] : [NAK, 'password mismatch']
}

/** DBCERTSUBJ may hold several subjects, one per line; a line end is a carriage return on the wire. */
function isOneOf(known: ByteString, shown: ByteString): boolean {
  return known.split(/[\r\n]+/).some((subject) => subject !== '' && lower(subject) === lower(shown))
}

// ASCII letters only, because values are bytes.
const lower = (text: ByteString) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
