/** Hints for a token in place of the `{` of a block. */
import { addressDirectives, bracketedAddress, looksLikeAddress } from './address-advice.js'
import { parsePort } from './address-types.js'
import type { Block } from './row.js'
import { isPunctuation, isText, type Token } from './token.js'

export interface OpeningHint {
  readonly hint: string
  /** The line is in the syntax of another program, so the next lines probably are as well. */
  readonly isForeign: boolean
}

/** The hint for tokens in place of `{`: `listen 80`, `listen web`. */
export function openingHint(
  { bareKey, name }: Block<unknown>,
  ahead: readonly Token[],
): OpeningHint | undefined {
  const [token, next] = ahead
  if (token === undefined || bareKey === undefined) return undefined
  const isAddress = isText(token) && looksLikeAddress(token.text)
  const directives =
    bracketedAddress(ahead)?.directives ?? (isAddress ? addressDirectives(token.text) : undefined)
  if (directives !== undefined) {
    const port = directives.includes('port = ') ? '' : portBehind(ahead)
    return { hint: `write '${name} { ${directives}${port} }'`, isForeign: false }
  }
  if (!isText(token)) return undefined
  // `listen web {`: a name before the brace.
  if (next !== undefined && isPunctuation(next, '{')) {
    return { hint: `a '${name}' block has no name: write '${name} {'`, isForeign: false }
  }
  const reason = name === 'listen' ? "this is 'listen' of HAProxy" : `a '${name}' block has no name`
  return { hint: `${reason}: write '${name} { address = ADDRESS port = PORT }'`, isForeign: true }
}

/** `80` or `port 80` after an address. */
function portBehind(ahead: readonly Token[]): string {
  const [next, last] = ahead.slice(1).filter((token) => !isPunctuation(token, '='))
  const port = next?.text === 'port' ? last : next
  return port !== undefined && parsePort(port.text) !== undefined ? ` port = ${port.text}` : ''
}
