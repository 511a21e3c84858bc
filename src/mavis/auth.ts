import type { ByteString } from '../base/byte-string.js'
import { AV } from '../base/mavis-attributes.js'
import { ACK, ERR, FINAL, type Module, NAK, NFD, type Query } from './module.js'
import type { AuthSettings } from './settings.js'

/**
 * Compares what the client has shown with what the modules below know of it: they answer DBPASSWORD or DBCERTSUBJ and
 * no RESULT. A RESULT of theirs is of no user that could be compared, so it becomes NFD; the original does that to
 * refusals and errors as well, which must not become something that `mavis default` may permit.
 */
export class Auth implements Module {
  readonly #mode: AuthSettings['mode']

  constructor({ mode }: AuthSettings) {
    this.#mode = mode
  }

  review({ values }: Query): typeof FINAL {
    const result = values[AV.RESULT]
    if (result === NAK || result === ERR) return FINAL
    const isKnown = values[AV.DBPASSWORD] !== undefined || values[AV.DBCERTSUBJ] !== undefined
    const [verdict, comment] = result === undefined && isKnown ? this.#judged(values) : [NFD, undefined]
    values[AV.RESULT] = verdict
    if (comment !== undefined) values[AV.COMMENT] = comment
    return FINAL
  }

  /** RESULT and COMMENT. */
  #judged(values: Query['values']): readonly [ByteString, ByteString | undefined] {
    const byPassword = passwordVerdict(values[AV.PASSWORD], values[AV.DBPASSWORD])
    if (this.#mode === 'password') return byPassword
    const [shown, known] = [values[AV.CERTSUBJ], values[AV.DBCERTSUBJ]]
    const isThere = shown !== undefined && known !== undefined
    const isSame = isThere && isOneOf(known, shown)
    if (isSame) return this.#mode === 'cert-sufficient' ? [ACK, 'certificate'] : byPassword
    const complaint = isThere ? 'certificate mismatch' : 'certificate missing'
    if (this.#mode === 'cert-required') return [NAK, complaint]
    const [verdict, comment] = byPassword
    return [verdict, comment ?? complaint]
  }
}

function passwordVerdict(
  shown: ByteString | undefined,
  known: ByteString | undefined,
): readonly [ByteString, ByteString | undefined] {
  if (known === undefined) return [NFD, undefined]
  if (shown === undefined) return [NAK, 'password not set']
  return shown === known ? [ACK, undefined] : [NAK, 'password mismatch']
}

/** DBCERTSUBJ may have several subjects, a line each; a line end was a carriage return on the wire. */
function isOneOf(known: ByteString, shown: ByteString): boolean {
  return known.split(/[\r\n]+/).some((subject) => subject !== '' && lower(subject) === lower(shown))
}

const lower = (text: ByteString) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
