import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import { refuseText } from './expectation.js'
import { oneToken, type ValueType } from './value-type.js'

/** An address as a remote or a listener names it; the port may also come from a directive of its own. */
export type AddressText =
  | { readonly kind: 'literal'; readonly literal: HostLiteral; readonly port: number | undefined }
  | {
      readonly kind: 'name'
      readonly host: string
      readonly family: Family
      readonly port: number | undefined
    }
  | { readonly kind: 'path'; readonly path: string }

/** What a host name may resolve to. */
export type Family = 'any' | 'ipv4' | 'ipv6'

const HOST_NAME =
  /^(?=.{1,253}\.?$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\.?$/i
/** The last label of a name is never a number, so that `10.0.0.256` is a mistake and not a name. */
const NUMERIC_END = /(^|\.)(\d+|0x[0-9a-f]*)\.?$/i
/** A path must fit sockaddr_un with its final NUL, an abstract name with the NUL in front that marks it. */
const UNIX_PATH_BYTES_MAX = 107

/** A path, or `@name` for a name in no file system; it comes out as the system has it, with NUL in front (unix(7)). */
export const socketPath: ValueType<string> = oneToken(
  'PATH|@NAME',
  (text) =>
    parseSocketPath(text) ??
    refuseText(`a path of at most ${UNIX_PATH_BYTES_MAX} bytes, or @ and such a name`, text),
)

export function parseAddress(text: string): AddressText | undefined {
  if (text.startsWith('/')) return parsePath(text)
  if (text.startsWith('unix:')) return parsePath(text.slice('unix:'.length))
  if (text.startsWith('inet6:')) return parseHost(text.slice('inet6:'.length), 'ipv6')
  if (text.startsWith('inet:')) return parseHost(text.slice('inet:'.length), 'ipv4')
  return parseHost(text, 'any')
}

/** Whether a word without a directive in front can only be meant as an address. */
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
  const alone = hostWithPort(text, undefined, family)
  if (alone !== undefined) return alone
  const [, bracketed, plain, digits = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(text) ?? []
  const port = parsePort(digits)
  if (port === undefined) return undefined
  if (bracketed === undefined) return hostWithPort(plain ?? '', port, family)
  return bracketed.includes(':') ? hostWithPort(bracketed, port, family) : undefined
}

function hostWithPort(host: string, port: number | undefined, family: Family): AddressText | undefined {
  const literal = parseHostLiteral(host)
  if (literal !== undefined) {
    return family === 'any' || family === literal.family ? { kind: 'literal', literal, port } : undefined
  }
  return HOST_NAME.test(host) && !NUMERIC_END.test(host) ? { kind: 'name', host, family, port } : undefined
}

export function parsePort(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : undefined
  return port !== undefined && port <= 65_535 ? port : undefined
}
