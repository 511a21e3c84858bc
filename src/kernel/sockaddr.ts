/** Conversion of socket addresses to and from the kernel's structs. */
import { type HostAddress, hostBytes, hostFromBytes, type SocketAddress } from '../base/address.js'
import { AF_INET, AF_INET6, AF_UNIX } from './constants.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate, type Region } from './memory.js'

/** The size of struct sockaddr_storage (sys/socket.h); every address fits. */
export const SOCKADDR_BYTES_MAX = 128

const SOCKADDR_IN_BYTES = 16
const SOCKADDR_IN6_BYTES = 28

/** Offsets of the address in struct sockaddr_in and sockaddr_in6, and of an IPv4 address that is mapped into IPv6. */
export const IPV4_AT = 4
export const IPV6_AT = 8
export const MAPPED_IPV4_AT = 20

/** sun_path of struct sockaddr_un (unix(7)). */
const UNIX_PATH_BYTES_MAX = 108

/** The highest possible interface index; in practice no interface has it. */
const INTERFACE_MAX = 0x7fff_ffff

/** One or more socket addresses in native memory. */
export interface NativeAddress {
  readonly family: number
  /** Owned by this value; the caller unmaps it. */
  readonly region: Region
  readonly byteLength: number
  /** Zero for a Unix address. Written by `setPort` only. */
  port: number
  /** Number of structs in the region, one after the other: more than one for a multi-homed host (SCTP). */
  readonly count: number
}

/** Encodes an address into new native memory, until `unmap`. */
export function nativeAddress(address: SocketAddress): NativeAddress {
  const bytes = encodeAddress(address)
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  region.bytes.set(bytes)
  const port = address.family === 'unix' ? 0 : address.port
  return { family: bytes[0] as number, region, byteLength: bytes.length, port, count: 1 }
}

/** The addresses of one host, packed for sctp_bindx(3) and sctp_connectx(3); the family is IPv6 if any of them is. */
export function nativeAddresses(addresses: readonly HostAddress[]): NativeAddress {
  const structs = addresses.map(encodeAddress)
  const byteLength = structs.reduce((sum, { length }) => sum + length, 0)
  const region = mapPrivate(byteLength)
  let offset = 0
  for (const struct of structs) {
    region.bytes.set(struct, offset)
    offset += struct.length
  }
  const family = addresses.some(({ family }) => family === 'ipv6') ? AF_INET6 : AF_INET
  return { family, region, byteLength, port: addresses[0]?.port ?? 0, count: addresses.length }
}

/** Changes the port of an IPv4 or IPv6 address, or of all addresses of a multi-homed host. */
export function setPort(address: NativeAddress, port: number): void {
  const { bytes } = address.region
  for (let i = 0, at = 0; i < address.count; i++) {
    // At the same offset in struct sockaddr_in and sockaddr_in6, in network byte order.
    bytes[at + 2] = port >> 8
    bytes[at + 3] = port & 0xff
    at += bytes[at] === AF_INET ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES
  }
  address.port = port
}

/** Whether the address of a struct sockaddr_in6 is an IPv4 address (RFC 4291, 2.5.5.2). */
export function isMapped(bytes: Uint8Array): boolean {
  for (let at = IPV6_AT; at < MAPPED_IPV4_AT - 2; at++) if (bytes[at] !== 0) return false
  return bytes[MAPPED_IPV4_AT - 2] === 0xff && bytes[MAPPED_IPV4_AT - 1] === 0xff
}

/** The port of a socket address in `bytes`; zero if it has none. */
export function portIn(bytes: Uint8Array): number {
  return bytes[0] === AF_INET || bytes[0] === AF_INET6 ? (bytes[2] as number) * 256 + (bytes[3] as number) : 0
}

/**
 * struct sockaddr_in, sockaddr_in6 or sockaddr_un of an address. Throws RangeError for a Unix path that is too
 * long or contains NUL.
 */
export function encodeAddress(address: SocketAddress): Uint8Array {
  if (address.family === 'unix') return encodeUnix(address.path)
  const bytes = new Uint8Array(address.family === 'ipv4' ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES)
  const view = new DataView(bytes.buffer)
  // The family is in host byte order (little-endian on both architectures), the port in network byte order.
  view.setUint16(0, address.family === 'ipv4' ? AF_INET : AF_INET6, true)
  view.setUint16(2, address.port)
  bytes.set(hostBytes(address.host), address.family === 'ipv4' ? 4 : 8)
  if (address.family === 'ipv6') view.setUint32(24, scopeIndex(address.scope), true)
  return bytes
}

function encodeUnix(path: string): Uint8Array {
  const name = new TextEncoder().encode(path)
  // A path ends with NUL; the end of an abstract or empty name is given by the length alone (unix(7)).
  const endBytes = path === '' || path.startsWith('\0') ? 0 : 1
  if (name.length + endBytes > UNIX_PATH_BYTES_MAX) {
    throw new RangeError(`a Unix socket path has at most ${UNIX_PATH_BYTES_MAX - 1} bytes`)
  }
  if (endBytes > 0 && name.includes(0)) throw new RangeError('a Unix socket path contains no NUL')
  const bytes = new Uint8Array(2 + name.length + endBytes)
  bytes[0] = AF_UNIX
  bytes.set(name, 2)
  return bytes
}

/** Decodes a struct. `bytes` may be longer than the address, as after accept(2). */
export function decodeAddress(bytes: Uint8Array, byteLength: number = bytes.length): SocketAddress {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const family = view.getUint16(0, true)
  if (family === AF_INET) {
    return { family: 'ipv4', host: hostFromBytes(bytes.subarray(4, 8)), port: view.getUint16(2) }
  }
  if (family === AF_INET6) {
    const index = view.getUint32(24, true)
    const scope = index === 0 ? '' : String(index)
    return { family: 'ipv6', host: hostFromBytes(bytes.subarray(8, 24)), port: view.getUint16(2), scope }
  }
  return { family: 'unix', path: decodeUnixPath(bytes.subarray(2, byteLength)) }
}

/** An abstract name starts with NUL and may contain more of them; a path ends at the first one. */
function decodeUnixPath(name: Uint8Array): string {
  const end = name[0] === 0 ? -1 : name.indexOf(0)
  return new TextDecoder().decode(end < 0 ? name : name.subarray(0, end))
}

/**
 * An unknown interface may appear later: it is encoded as an index that no interface has, which the kernel rejects
 * (ENODEV).
 */
function scopeIndex(scope: string): number {
  if (scope === '') return 0
  const index = /^\d+$/.test(scope) ? Number(scope) : indexOfInterface(scope)
  return index === 0 || index > INTERFACE_MAX ? INTERFACE_MAX : index
}

function indexOfInterface(name: string): number {
  return nativeFunction<(name: string) => number>('uint32_t if_nametoindex(const char *name)')(name)
}
