import { addressDirectives, bracketedAddress, looksLikeAddress } from './address-advice.js'
import { parsePort } from './address-types.js'
import type { Block } from './row.js'
import { isPunctuation, isText, type Token } from './token.js'

export interface OpeningHint {
  readonly hint: string
  /** It is the line of another program, whose next lines are of the same kind. */
  readonly isForeign: boolean
}

/** What to write in place of tokens that stand where a block should open: `listen 80`, `listen web`. */
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
  if (next !== undefined && isPunctuation(next, '{')) {
    return { hint: `a '${name}' block has no name: write '${name} {'`, isForeign: false }
  }
  const reason = name === 'listen' ? "this is a 'listen' of HAProxy" : `a '${name}' block has no name`
  return { hint: `${reason}: write '${name} { address = ADDRESS port = PORT }'`, isForeign: true }
}

/** `80` or `port 80` behind an address. */
function portBehind(ahead: readonly Token[]): string {
  const [next, last] = ahead.slice(1).filter((token) => !isPunctuation(token, '='))
  const port = next?.text === 'port' ? last : next
  return port !== undefined && parsePort(port.text) !== undefined ? ` port = ${port.text}` : ''
}
