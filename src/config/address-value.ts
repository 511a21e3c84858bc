import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import { addressDirectives, bracketedAddress } from './address-advice.js'
import { type AddressText, parseAddress } from './address-types.js'
import { refuseText } from './expectation.js'
import { isPunctuation } from './token.js'
import { oneToken, type ValueType } from './value-type.js'

/** Value types for addresses. */

/** `10.0.0.1`, `::1`, `host`, each also with a port (`[::1]:80`), `/path`, `unix:/path`, `unix:@name`. */
export const address: ValueType<AddressText> = withoutBrackets(
  oneToken(
    'ADDRESS',
    (text) =>
      parseAddress(text) ??
      refuseText('an IP address, a host name or the path of a socket', text, hintFor(text)),
  ),
)

/** A source address: fixed, or `client` for the address of each client. */
export const localSource: ValueType<HostLiteral | 'client'> = withoutBrackets(
  oneToken('ADDRESS|client', (text) =>
    text.toLowerCase() === 'client'
      ? 'client'
      : (parseHostLiteral(text) ?? refuseText("an IP address or 'client'", text)),
  ),
)

/** Rejects `[::1]` as a whole: brackets are separate tokens. */
export function withoutBrackets<T>(type: ValueType<T>): ValueType<T> {
  return {
    ...type,
    read(input) {
      const { tokens, problems } = input
      // Brackets outside of quotes are punctuation to the lexer.
      const open = tokens.peek()
      if (!isPunctuation(open, '[')) return type.read(input)
      const bracketed = bracketedAddress(tokens.lookAhead(BRACKETED_TOKENS))
      if (bracketed === undefined) return type.read(input)
      const hint = `write '${bracketed.directives}'`
      problems.error(open.position, 'an IPv6 address is written without brackets', { hint })
      // Skipped, so that the parser continues behind it without further errors.
      for (let i = 0; i < bracketed.tokenCount; i++) tokens.next()
      return undefined
    },
  }
}

/** `[`, the address, `]` and `:PORT`. */
const BRACKETED_TOKENS = 4

/** Hint for a malformed value of `address`. */
function hintFor(text: string): string | undefined {
  const [, bracketed] = /^\[([^\]]+)\]$/.exec(text) ?? []
  if (bracketed !== undefined) return `write '${bracketed}'`
  if (text === '*') return "for all addresses omit 'address'"
  const directives = addressDirectives(text)
  return directives && `write '${directives}'`
}
