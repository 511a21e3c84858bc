/**
 * Socket addresses as plain values, and their text forms. Start reading this folder here; its other files are
 * independent of each other.
 */
import ipaddr from 'ipaddr.js'

/** The address of a socket. `host` is a canonical literal, never a name. */
export type SocketAddress =
  | { readonly family: 'ipv4'; readonly host: string; readonly port: number }
  /** `scope` is an interface name or index, '' where there is none. */
  | { readonly family: 'ipv6'; readonly host: string; readonly port: number; readonly scope: string }
  /** A path that begins with NUL is an abstract name; '' is the unnamed address of a client. */
  | { readonly family: 'unix'; readonly path: string }

/** An IP address with a port. */
export type HostAddress = Exclude<SocketAddress, { readonly family: 'unix' }>

/** An IP address literal as configurations contain it, without a port. */
export type HostLiteral =
  | { readonly family: 'ipv4'; readonly host: string }
  | { readonly family: 'ipv6'; readonly host: string; readonly scope: string }

/** An interface: its index, or its name: 1 to 15 bytes without these characters (dev_valid_name in the kernel). */
const SCOPE = /^[^\s/:%\x00-\x1f]{1,15}$/

/**
 * Reads an IPv4 or IPv6 literal: `10.0.0.1`, `127.1` (the forms of inet_aton(3)), `::1`, `fe80::1%eth0`.
 * Returns undefined for anything else, host names included.
 */
export function parseHostLiteral(text: string): HostLiteral | undefined {
  if (ipaddr.IPv4.isValid(text)) {
    return { family: 'ipv4', host: ipaddr.IPv4.parse(text).toString() }
  }
  const percent = text.indexOf('%')
  const scope = percent < 0 ? '' : text.slice(percent + 1)
  // ipaddr.js reads ::1.2.3.4 as ::ffff:1.2.3.4 unless the zero is written out.
  const bare = (percent < 0 ? text : text.slice(0, percent)).replace(/^::(?=\d+\.)/, '0::')
  if (!ipaddr.IPv6.isValid(bare) || (percent >= 0 && !SCOPE.test(scope))) return undefined
  return { family: 'ipv6', host: ipaddr.IPv6.parse(bare).toRFC5952String(), scope }
}

/** The 4 or 16 bytes of a literal in network order. The literal must be valid. */
export function hostBytes(host: string): Uint8Array {
  return Uint8Array.from(ipaddr.parse(host).toByteArray())
}

/** The literal of 4 or 16 bytes in network order. */
export function hostFromBytes(bytes: Uint8Array): string {
  const address = ipaddr.fromByteArray([...bytes])
  return address instanceof ipaddr.IPv6 ? address.toRFC5952String() : address.toString()
}

/** The form of log lines: `10.0.0.1:80`, `[::1]:80`, `[fe80::1%eth0]:80`, `unix:/run/x`, `unix:@name`. */
export function formatAddress(address: SocketAddress): string {
  return address.family === 'unix' ? formatHost(address) : `${formatHost(address)}:${address.port}`
}

/** Like `formatAddress`, without the port: `10.0.0.1`, `[::1]`, `unix:@name`. */
export function formatHost(address: SocketAddress): string {
  if (address.family === 'unix') {
    const path = isAbstract(address.path) ? `@${address.path.slice(1)}` : address.path
    return `unix:${path}`
  }
  if (address.family === 'ipv4') return address.host
  const scope = address.scope === '' ? '' : `%${address.scope}`
  return `[${address.host}${scope}]`
}

/** The file of a Unix socket; undefined for an abstract name, and for IP addresses. */
export function fileOf(address: SocketAddress): string | undefined {
  const isFile = address.family === 'unix' && !isAbstract(address.path)
  return isFile ? address.path : undefined
}

/** Whether the path of a Unix socket is an abstract name, which is in no file system (unix(7)). */
export function isAbstract(path: string): boolean {
  return path.startsWith('\0')
}

export function withPort(literal: HostLiteral, port: number): HostAddress {
  return { ...literal, port }
}
