/** Parses addresses, ports and socket paths. */
import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import { refuseText } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

/** The address of a remote or listener. Its port is optional here: `port` is a directive of its own. */
export type AddressText =
  | { readonly kind: 'literal'; readonly literal: HostLiteral; readonly port: number | undefined }
  | {
      readonly kind: 'name'
      readonly host: string
      readonly family: Family
      readonly port: number | undefined
    }
  | { readonly kind: 'path'; readonly path: string }

/** Address families that a host name may resolve to. */
export type Family = 'any' | 'ipv4' | 'ipv6'

// RFC 1123, 2.1, at most 253 characters; underscores, although not valid, are in use.
const HOST_NAME =
  /^(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i
/** Rejects names whose last label is a number, so that `10.0.0.256` is an error and not a name. */
const NUMERIC_END = /(^|\.)(\d+|0x[0-9a-f]*)\.?$/i
/** Size of sockaddr_un.sun_path less one: for the final NUL of a path, or for the leading NUL of an abstract name. */
const UNIX_PATH_BYTES_MAX = 107

/** A path, or `@NAME` for an abstract name, whose value begins with NUL as the kernel expects it (unix(7)). */
export const socketPath: ValueType<string> = oneToken(
  'PATH|@NAME',
  (text) =>
    parseSocketPath(text) ?? refuseText(`a path or @NAME of at most ${UNIX_PATH_BYTES_MAX} bytes`, text),
)

/** Undefined: not an address. With a prefix, a name or literal must be of that family. */
export function parseAddress(text: string): AddressText | undefined {
  if (text.startsWith('/')) return parsePath(text)
  if (text.startsWith('unix:')) return parsePath(text.slice('unix:'.length))
  if (text.startsWith('inet6:')) return parseHost(text.slice('inet6:'.length), 'ipv6')
  if (text.startsWith('inet:')) return parseHost(text.slice('inet:'.length), 'ipv4')
  return parseHost(text, 'any')
}

/** Whether a word can only be an address, so that `address` may be omitted. */
export function isPlainAddress(text: string): boolean {
  const found = /[.:/]/.test(text) ? parseAddress(text) : undefined
  return found !== undefined && found.kind !== 'name'
}

function parsePath(text: string): AddressText | undefined {
  const path = /^[/@]/.test(text) ? parseSocketPath(text) : undefined
  return path === undefined ? undefined : { kind: 'path', path }
}

function parseSocketPath(text: string): string | undefined {
  const isAbstract = text.startsWith('@')
  const name = isAbstract ? text.slice(1) : text
  const byteCount = new TextEncoder().encode(name).length
  if (byteCount === 0 || byteCount > UNIX_PATH_BYTES_MAX || name.includes('\0')) return undefined
  return isAbstract ? `\0${name}` : name
}

function parseHost(text: string, family: Family): AddressText | undefined {
  // First without a port: `::1:80` is an IPv6 address, not a host and a port.
  const alone = hostWithPort(text, undefined, family)
  if (alone !== undefined) return alone
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? []
  const port = parsePort(digits)
  if (port === undefined) return undefined
  if (bracketed === undefined) return hostWithPort(plain ?? '', port, family)
  // Brackets are for IPv6 addresses only (RFC 3986, 3.2.2).
  return bracketed.includes(':') ? hostWithPort(bracketed, port, family) : undefined
}

function hostWithPort(host: string, port: number | undefined, family: Family): AddressText | undefined {
  const literal = parseHostLiteral(host)
  if (literal !== undefined) {
    return family === 'any' || family === literal.family ? { kind: 'literal', literal, port } : undefined
  }
  return HOST_NAME.test(host) && !NUMERIC_END.test(host) ? { kind: 'name', host, family, port } : undefined
}

/** Port 0 is accepted here; directives that cannot use it reject it. */
export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : undefined
  return port !== undefined && port <= 65_535 ? port : undefined
}
