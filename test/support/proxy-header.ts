/** Writes PROXY headers for tests, by the specification (proxy-protocol.txt of HAProxy). */
import { crc32c } from '../../src/wire/proxy/crc32c.js'

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a]

export function v1Header({ port, source }: { readonly source: string; readonly port: number }): Buffer {
  return Buffer.from(`PROXY TCP4 ${source} 192.0.2.1 ${port} 443\r\n`)
}

export interface HeaderParts {
  /** @default PROXY */
  readonly command?: number
  /** Family and protocol. */
  readonly family: number
  /** The first bytes of it are the address. @default zeros */
  readonly source?: readonly number[]
  readonly port?: number
  readonly tlvs?: readonly (readonly [type: number, value: readonly number[]])[]
  /** Ends with a checksum. */
  readonly hasChecksum?: boolean
}

/** Version 2. */
export function v2Header(parts: HeaderParts): Buffer {
  const { command = 1, family, hasChecksum = false, tlvs = [] } = parts
  const body = [
    ...addresses(parts),
    ...tlvs.flatMap(([type, value]) => [type, ...u16(value.length), ...value]),
  ]
  if (hasChecksum) body.push(3, 0, 4, 0, 0, 0, 0)
  const bytes = Buffer.from([...SIGNATURE, 0x20 | command, family, ...u16(body.length), ...body])
  if (hasChecksum) bytes.writeUInt32BE(crc32c(bytes, bytes.length), bytes.length - 4)
  return bytes
}

function addresses({ family, port = 0, source = [] }: HeaderParts): number[] {
  const hostBytes = { 0: 0, 1: 4, 2: 16, 3: 108 }[family >> 4] ?? 0
  if (hostBytes === 0) return []
  const host = Array.from({ length: hostBytes }, (_, i) => (hostBytes === 108 ? 0x2f : (source[i] ?? 0)))
  const hosts = [...host, ...Array(hostBytes).fill(1)]
  return hostBytes === 108 ? hosts : [...hosts, ...u16(port), ...u16(443)]
}

function u16(value: number): number[] {
  return [(value >> 8) & 255, value & 255]
}
