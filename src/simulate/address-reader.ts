/** Reads the addresses of clients in access lines. */
import { hostBytes, parseHostLiteral } from '../base/address.js'

/** Parsed IPv6 addresses that are remembered: a general parser takes as long as the rest of a line. */
const KNOWN_MAX = 65_536

const UNIX = 'unix:'

export class AddressReader {
  /** The address of the last text: the first `byteCount` bytes. */
  readonly bytes = new Uint8Array(16)
  /** 4 or 16; 0 for a Unix socket. */
  byteCount = 0
  readonly #known = new Map<string, Uint8Array>()

  /** Reads `192.0.2.7:5012`, `[2001:db8::1]:5012`, `[fe80::1%eth0]:5012` or `unix:…`; false for anything else. */
  read(text: string): boolean {
    if (text.startsWith(UNIX)) {
      this.byteCount = 0
      return true
    }
    return text.startsWith('[') ? this.#readIpv6(text) : this.#readIpv4(text)
  }

  /** Four numbers up to 255 and a port. */
  #readIpv4(text: string): boolean {
    let part = 0
    let value = -1
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code >= 0x30 && code <= 0x39) {
        value = Math.max(value, 0) * 10 + code - 0x30
        if (value > (part < 4 ? 255 : 65_535)) return false
      } else {
        if (value < 0 || part > 3 || text[i] !== (part < 3 ? '.' : ':')) return false
        this.bytes[part++] = value
        value = -1
      }
    }
    this.byteCount = 4
    return part === 4 && value >= 0
  }

  #readIpv6(text: string): boolean {
    const end = text.indexOf(']')
    const host = text.slice(1, end)
    if (end < 0 || !/^:\d{1,5}$/.test(text.slice(end + 1)) || !host.includes(':')) return false
    const bytes = this.#known.get(host) ?? this.#parse(host)
    if (bytes === undefined) return false
    this.bytes.set(bytes)
    this.byteCount = bytes.length
    return true
  }

  #parse(host: string): Uint8Array | undefined {
    const literal = parseHostLiteral(host)
    if (literal === undefined) return undefined
    const bytes = hostBytes(literal.host)
    if (this.#known.size === KNOWN_MAX) this.#known.clear()
    this.#known.set(host, bytes)
    return bytes
  }
}
