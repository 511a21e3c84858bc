/** Value types of routes by client certificates. */
import { Refusal, refuseText, shown } from './expectation.js'
import { isPunctuation } from './token.js'
import { oneToken, type ValueType } from './value-type.js'

const EXAMPLE = "'CN=joe,O=Example' or 'CN=*,O=Example'"

// Mistakes that compile but never match are rejected: the format of OpenSSL, and blanks from its output.
const nameText = oneToken('PATTERN', (text) => {
  if (text.startsWith('/'))
    return new Refusal(`${shown(text)} is not in the form of RFC 2253`, `write names as ${EXAMPLE}`)
  if (/\s=|=\s/.test(text))
    return new Refusal(`${shown(text)} has spaces around '='`, `write names as ${EXAMPLE}`)
  return /[=*]/.test(text) ? text : refuseText(`the name of a certificate, such as ${EXAMPLE}`, text)
})

/** A pattern of subjects or issuers. */
export const certificateName: ValueType<string> = {
  ...nameText,
  read(input) {
    const start = input.tokens.peek()
    // Unquoted, `CN=joe` is three tokens: `=` is punctuation.
    const next = input.tokens.lookAhead(2)[1]
    if (next === undefined || !isPunctuation(next, '=') || start.kind !== 'word') return nameText.read(input)
    input.problems.error(start.position, `quote the name of a certificate: ${EXAMPLE}`)
    return undefined
  },
}

const SHA256_DIGITS = 64
const SHA1_DIGITS = 40

/** SHA-256 as 64 lower-case digits; given with or without colons. */
export const certificateFingerprint = oneToken('SHA256', (text) => {
  const digits = text
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(':', '')
    .toLowerCase()
  const isHex = /^[0-9a-f]+$/.test(digits)
  if (isHex && digits.length === SHA256_DIGITS) return digits
  const hint = "see 'openssl x509 -noout -fingerprint -sha256'"
  return isHex && digits.length === SHA1_DIGITS
    ? new Refusal(`${shown(text)} is a fingerprint by SHA-1, SHA-256 is required`, hint)
    : refuseText(`a fingerprint by SHA-256: ${SHA256_DIGITS} hexadecimal digits`, text, hint)
})
