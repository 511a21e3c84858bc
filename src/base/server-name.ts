/** Server names (SNI) of clients, and the patterns of routes for them. */

/** Converts an internationalized name to its ASCII form, '' if that fails: `domainToASCII` of `node:url`. */
export type ToAscii = (name: string) => string

/** `why` continues a sentence that begins with the given text: `is a URL: …`. */
export type NameReading =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'bad'; readonly why: string }

/** The pattern that matches every name. */
export const ANY_NAME = '*'
/** Patterns that begin so match every name with this suffix and at least one more label. */
export const WILDCARD_PREFIX = '*.'

const NAME_LENGTH_MAX = 253
const LABEL_LENGTH_MAX = 63

/**
 * Letters, digits, hyphens, and underscores, which are in use although not valid. Without the flag `u` case-insensitive
 * matching does not extend to characters such as U+212A, which lower-cases to `k`.
 */
const HOST_NAME = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?$/i

/** No top-level domain is a number: such a name is an IPv4 address in one of the forms of inet_aton(3). */
const IPV4_FORM = /(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$/i

/**
 * The name that a client sent, in the form to compare: lower case, without the final dot. '' for anything that is not a
 * host name, IP addresses included (RFC 6066, 3). The client may have sent any text.
 */
export function clientServerName(sent: string | undefined): string {
  if (sent === undefined || !HOST_NAME.test(sent)) return ''
  const name = withoutFinalDot(sent).toLowerCase()
  return name.length > NAME_LENGTH_MAX || IPV4_FORM.test(name) ? '' : name
}

/** Reads a host name of a configuration. The name is in the form that `clientServerName` returns. */
export function parseServerName(text: string, toAscii: ToAscii): NameReading {
  if (text.includes('*')) return bad("has a wildcard: '*' is not allowed here")
  return parseName(text, toAscii)
}

/** Reads `www.example.com`, `*.example.com` (names at any depth below it, not itself), or `*` (any name). */
export function parseServerNamePattern(text: string, toAscii: ToAscii): NameReading {
  if (text === ANY_NAME) return { kind: 'name', name: ANY_NAME }
  if (!text.startsWith(WILDCARD_PREFIX)) return parseName(text, toAscii)
  const suffix = parseName(text.slice(WILDCARD_PREFIX.length), toAscii)
  return suffix.kind === 'bad' ? suffix : { kind: 'name', name: WILDCARD_PREFIX + suffix.name }
}

function parseName(text: string, toAscii: ToAscii): NameReading {
  const form = foreignForm(text)
  if (form !== undefined) return bad(form)
  const ascii = /^[\x00-\x7f]*$/.test(text) ? text : toAscii(text)
  if (ascii === '') return bad('is not a valid internationalized host name')
  const name = withoutFinalDot(ascii).toLowerCase()
  const problem = problemOf(name)
  return problem === undefined ? { kind: 'name', name } : bad(problem)
}

/** Explains text that is valid elsewhere but is not a host name. */
function foreignForm(text: string): string | undefined {
  if (text === '' || text === '.') return 'has no labels: a host name is required'
  if (text.includes('://')) return 'is a URL: write only its host name'
  if (/^[~^]|[\\()[\]$|+?]/.test(text) && !text.includes(':'))
    return "is not a host name: regular expressions are not supported, use '*.example.com' or a list of names"
  if (/^[^:]+:\d+$/.test(text))
    return "has a port: write only the host name, and 'port' as a separate condition"
  if (text.includes(':')) return 'is not a host name: TLS clients do not send addresses as server names'
  return undefined
}

function problemOf(name: string): string | undefined {
  if (name.includes('*'))
    return "has '*' at a wrong place: only the whole first label can be '*', as in '*.example.com'"
  if (name.startsWith('.')) return `begins with a dot: '*${name}' matches all names below '${name.slice(1)}'`
  const labels = name.split('.')
  if (labels.includes('')) return 'has an empty label: two dots in a row'
  const strange = /[^a-z0-9_.-]/u.exec(name)?.[0]
  if (strange !== undefined)
    return `contains '${strange}': host names consist of letters, digits, '-', '_' and '.'`
  if (labels.some(({ length }) => length > LABEL_LENGTH_MAX)) return 'has a label of more than 63 characters'
  if (name.length > NAME_LENGTH_MAX) return 'has more than 253 characters'
  if (IPV4_FORM.test(name)) return 'is an IP address: TLS clients do not send addresses as server names'
  return undefined
}

function withoutFinalDot(name: string): string {
  return name.endsWith('.') ? name.slice(0, -1) : name
}

function bad(why: string): NameReading {
  return { kind: 'bad', why }
}
