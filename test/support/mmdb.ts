/** Writes small databases in the format MMDB (https://maxmind.github.io/MaxMind-DB/), for tests of rules about countries. */
import assert from 'node:assert/strict'
import { parseNetwork } from '../../src/base/cidr.js'

/** Networks with their records; none contains another one. */
export type MmdbNetworks = Readonly<Record<string, unknown>>

interface Shape {
  readonly ipVersion?: 4 | 6
  readonly recordBits?: 24 | 28 | 32
}

/** A record of MaxMind's databases of countries. */
export const inCountry = (iso: string) => ({ country: { iso_code: iso } })
/** The same of autonomous systems. */
export const inSystem = (asn: number) => ({ autonomous_system_number: asn })

type Node = [Edge, Edge]
/** Undefined: nothing is known. */
type Edge = Node | { readonly data: unknown } | undefined

const IPV4_AT_BITS = 96

export function mmdb(networks: MmdbNetworks, { ipVersion = 6, recordBits = 28 }: Shape = {}): Buffer {
  const root: Node = [undefined, undefined]
  for (const [text, data] of Object.entries(networks)) insert(root, text, data, ipVersion)
  if (ipVersion === 6) aliasIpv4(root)
  const nodes = nodesOf(root)
  const numbers = new Map(nodes.map((node, i) => [node, i]))
  const data: Buffer[] = []
  let dataLength = 0
  const recordOf = (edge: Edge): number => {
    if (edge === undefined) return nodes.length
    if (Array.isArray(edge)) return numbers.get(edge) as number
    const bytes = encoded(edge.data)
    data.push(bytes)
    dataLength += bytes.length
    return nodes.length + 16 + dataLength - bytes.length
  }
  const tree = nodes.map(([left, right]) => nodeBytes(recordOf(left), recordOf(right), recordBits))
  const metadata = {
    node_count: nodes.length,
    record_size: recordBits,
    ip_version: ipVersion,
    database_type: 'Test',
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    description: { en: 'test' },
  }
  const marker = Buffer.concat([Buffer.from('abcdef', 'hex'), Buffer.from('MaxMind.com')])
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, encoded(metadata)])
}

function insert(root: Node, text: string, data: unknown, ipVersion: 4 | 6): void {
  const network = parseNetwork(text)
  assert.ok(network, text)
  const isIpv4 = !text.includes(':')
  const bytes = Uint8Array.from(network.bytes)
  // In the file IPv4 is in ::/96.
  if (isIpv4) bytes.fill(0, 0, 12)
  const first = ipVersion === 4 ? IPV4_AT_BITS : 0
  let node = root
  for (let bit = first; bit < network.prefixBits; bit++) {
    const side = ((bytes[bit >> 3] as number) >> (7 - (bit & 7))) & 1
    if (bit === network.prefixBits - 1) node[side] = { data }
    else {
      const next = node[side] ?? [undefined, undefined]
      assert.ok(Array.isArray(next), text)
      node[side] = next
      node = next
    }
  }
}

/** As in real files, 2002::/16 leads to the nodes of IPv4. */
function aliasIpv4(root: Node): void {
  let ipv4: Edge = root
  for (let bit = 0; bit < IPV4_AT_BITS && Array.isArray(ipv4); bit++) ipv4 = ipv4[0]
  let node = root
  for (let bit = 0; bit < 16; bit++) {
    const side = (0x2002 >> (15 - bit)) & 1
    if (bit === 15) node[side] ??= ipv4
    else {
      const next = node[side] ?? [undefined, undefined]
      if (!Array.isArray(next)) return
      node[side] = next
      node = next
    }
  }
}

function nodesOf(root: Node): readonly Node[] {
  const nodes = new Set<Node>([root])
  // A set also visits what is added meanwhile.
  for (const node of nodes) for (const edge of node) if (Array.isArray(edge)) nodes.add(edge)
  return [...nodes]
}

function nodeBytes(left: number, right: number, bits: number): Buffer {
  const bytes = Buffer.alloc(bits / 4)
  if (bits === 32) {
    bytes.writeUInt32BE(left, 0)
    bytes.writeUInt32BE(right, 4)
    return bytes
  }
  bytes.writeUIntBE(left % 2 ** 24, 0, 3)
  bytes.writeUIntBE(right % 2 ** 24, bits === 24 ? 3 : 4, 3)
  if (bits === 28) bytes[3] = (Math.floor(left / 2 ** 24) << 4) | Math.floor(right / 2 ** 24)
  return bytes
}

const UTF8 = 2
const UINT32 = 6
const MAP = 7
const ARRAY = 11

function encoded(value: unknown): Buffer {
  if (typeof value === 'string')
    return Buffer.concat([control(UTF8, Buffer.byteLength(value)), Buffer.from(value)])
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4)
    bytes.writeUInt32BE(value)
    return Buffer.concat([control(UINT32, 4), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encoded)])
  assert.ok(typeof value === 'object' && value !== null)
  const entries = Object.entries(value)
  return Buffer.concat([control(MAP, entries.length), ...entries.flat().map(encoded)])
}

/** Lengths up to 28 are in the control byte; the types from 8 on have a byte of their own. */
function control(type: number, length: number): Buffer {
  assert.ok(length < 29)
  return type < 8 ? Buffer.of((type << 5) | length) : Buffer.of(length, type - 7)
}
