import { parseAddress, parsePort } from './address-types.js'
import { isPunctuation, isText, type Token } from './token.js'

/** Suggests directives for an address in the notation of other programs: `*:80`, `[::1]:80`, `db.test:3306`. */

const SCHEME = /^[a-z][a-z0-9+-]*:\/\//i
const HOST_AND_PORT = /^(.*):([^:]+)$/
/** Prefixes of this program's own addresses: text after one of them is a malformed address, not a port. */
const PREFIXES = new Set(['unix', 'inet', 'inet6'])
const ALL_ADDRESSES = new Set(['', '*', 'any', 'ANY'])

/** The equivalent directives of `listen` and `remote`; undefined if the text is no address. */
export function addressDirectives(text: string): string | undefined {
  // `;` ends directives of nginx, `/` a URL.
  const bare = text.replace(SCHEME, '').replace(/[;/]+$/, '')
  if (bare === '') return undefined
  if (parsePort(bare) !== undefined) return `port = ${bare}`
  const [, host = bare, port] = HOST_AND_PORT.exec(bare) ?? []
  if (ALL_ADDRESSES.has(host) && port !== undefined) return portDirective(port)
  if (PREFIXES.has(host)) return undefined
  const given = parseAddress(bare)
  if (given?.kind === 'path') return `address = ${bare}`
  if (given?.kind === 'literal')
    return given.port === undefined ? `address = ${bare}` : withPort(host, String(given.port))
  // With a port that is a service name, `parseAddress` rejects the whole text.
  const other = port === undefined ? given : parseAddress(host)
  if (other?.kind !== 'name' && other?.kind !== 'literal') return undefined
  return port === undefined ? `address = ${bare}` : withPort(host, port)
}

/** Whether a word looks like an address or a port, and like nothing else. */
export function looksLikeAddress(text: string): boolean {
  return /[.*]|:./.test(text) || parsePort(text) !== undefined
}

/** Directives for `[::1]` or `[::1]:80` at the start of the tokens, and the number of tokens that it spans. */
export function bracketedAddress(
  tokens: readonly Token[],
): { readonly directives: string; readonly tokenCount: number } | undefined {
  const [open, host, close, port] = tokens
  if (open === undefined || host === undefined || close === undefined) return undefined
  if (!isPunctuation(open, '[') || !isText(host) || !isPunctuation(close, ']')) return undefined
  if (parseAddress(host.text) === undefined) return undefined
  const [, digits] = /^:(\w{1,32});?$/.exec(port?.text ?? '') ?? []
  // Without a blank between: `[::1]:80`, not `[::1] :80`.
  const isAdjacent =
    port?.position.line === close.position.line && port.position.column === close.position.column + 1
  const address = `address = ${host.text}`
  if (digits === undefined || !isAdjacent) return { directives: address, tokenCount: 3 }
  return { directives: `${address} port = ${digits}`, tokenCount: 4 }
}

function withPort(host: string, port: string): string | undefined {
  const directive = portDirective(port)
  const inner = host.replace(/^\[(.*)\]$/, '$1')
  return directive && `address = ${inner} ${directive}`
}

function portDirective(port: string): string | undefined {
  return /^[a-z0-9-]{1,32}$/i.test(port) ? `port = ${port}` : undefined
}
