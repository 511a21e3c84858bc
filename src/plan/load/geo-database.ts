/**
 * Reads the networks of countries and autonomous systems from an MMDB file. `mmdb-lib` looks up one address at a time, so the
 * search tree, which is a binary trie, is walked here, once for all networks.
 */
import { Reader, type Response } from 'mmdb-lib'
import type { GeoNetworks } from '../../admission/geo-networks.js'
import { RangeCollector } from './range-collector.js'

/** Bytes between the search tree and the data. */
const SEPARATOR_BYTES = 16

const ADDRESS_BYTES = 16
/** Where IPv4 is in the 128 bits of an address of ours, and in the tree of an IPv6 file. */
const MAPPED_PREFIX = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff)
const MAPPED_BITS = 96

/** The ranges of those that are wanted, and of no others: a file has up to millions of networks. Throws an Error. */
export function readGeoDatabase(file: Buffer, wanted: ReadonlySet<string>): GeoNetworks {
  const tree = new Tree(file, wanted)
  tree.walk()
  return tree.networks
}

class Tree {
  readonly #file: Buffer
  readonly #reader: Reader<Response>
  /** Nodes that have been walked. Aliases of IPv4, such as 2002::/16, lead to the same ones, and a broken file may have loops. */
  readonly #isDone: Uint8Array
  readonly #address = new Uint8Array(ADDRESS_BYTES)
  /** By record: the collectors of its origins. */
  readonly #known = new Map<number, readonly RangeCollector[]>()
  readonly #collectors: ReadonlyMap<string, RangeCollector>

  constructor(file: Buffer, wanted: ReadonlySet<string>) {
    this.#file = file
    this.#reader = new Reader(file)
    const { ipVersion, nodeByteSize, nodeCount, searchTreeSize } = this.#reader.metadata
    const isPossible =
      (ipVersion === 4 || ipVersion === 6) && [6, 7, 8].includes(nodeByteSize) && nodeCount > 0
    if (!isPossible) throw new Error('it has a format that is not supported')
    if (file.length < searchTreeSize + SEPARATOR_BYTES) throw new Error('it is truncated')
    this.#isDone = new Uint8Array(nodeCount)
    this.#collectors = new Map([...wanted].map((origin) => [origin, new RangeCollector()]))
  }

  /** By origin; without those of which the file has no network. */
  get networks(): GeoNetworks {
    const found = [...this.#collectors].filter(([, collector]) => !collector.isEmpty)
    return new Map(found.map(([origin, collector]) => [origin, collector.bounds]))
  }

  walk(): void {
    const { ipVersion } = this.#reader.metadata
    this.#address.set(MAPPED_PREFIX)
    this.#visit(ipVersion === 4 ? 0 : this.#ipv4Start(), MAPPED_BITS)
    if (ipVersion === 4) return
    this.#address.fill(0)
    this.#visit(0, 0)
  }

  /** The record of ::/96. */
  #ipv4Start(): number {
    const { nodeCount } = this.#reader.metadata
    let record = 0
    for (let bits = 0; bits < MAPPED_BITS && record < nodeCount; bits++) record = this.#recordAt(record, 0)
    return record
  }

  #visit(record: number, bits: number): void {
    const { nodeCount } = this.#reader.metadata
    if (record > nodeCount) this.#collect(record, bits)
    if (record >= nodeCount || bits === ADDRESS_BYTES * 8 || this.#isDone[record] === 1) return
    this.#isDone[record] = 1
    const [at, bit] = [bits >> 3, 0x80 >> (bits & 7)]
    this.#visit(this.#recordAt(record, 0), bits + 1)
    this.#address[at] = (this.#address[at] as number) | bit
    this.#visit(this.#recordAt(record, 1), bits + 1)
    this.#address[at] = (this.#address[at] as number) & ~bit
  }

  #collect(record: number, bits: number): void {
    let collectors = this.#known.get(record)
    if (collectors === undefined) {
      const origins = originsIn(this.#reader.get(textOf(this.#address)))
      collectors = origins.flatMap((origin) => this.#collectors.get(origin) ?? [])
      this.#known.set(record, collectors)
    }
    for (const collector of collectors) collector.add(this.#address, bits)
  }

  /** `side`: 0 for left, 1 for right. */
  #recordAt(node: number, side: 0 | 1): number {
    const file = this.#file
    const { nodeByteSize } = this.#reader.metadata
    const at = node * nodeByteSize
    if (nodeByteSize === 6) return file.readUIntBE(at + side * 3, 3)
    if (nodeByteSize === 8) return file.readUInt32BE(at + side * 4)
    // 28 bits: the fourth byte has the upper four of both.
    const upper = file.readUInt8(at + 3)
    return side === 0
      ? (upper >> 4) * 2 ** 24 + file.readUIntBE(at, 3)
      : (upper & 0xf) * 2 ** 24 + file.readUIntBE(at + 4, 3)
  }
}

/** As the reader takes it. */
function textOf(address: Uint8Array): string {
  if (MAPPED_PREFIX.every((byte, i) => address[i] === byte)) return address.subarray(12).join('.')
  const words = Array.from({ length: 8 }, (_, i) => {
    return (((address[i * 2] as number) << 8) | (address[i * 2 + 1] as number)).toString(16)
  })
  return words.join(':')
}

/**
 * `DE`, `AS64500`: the country and the autonomous system of a record, in the fields of MaxMind and DB-IP, or the flat ones of
 * IPinfo.
 */
function originsIn(data: unknown): readonly string[] {
  const record = fieldsOf(data)
  const country = fieldsOf(record.country).iso_code ?? record.country_code ?? record.country
  const asn = record.autonomous_system_number ?? record.asn
  return [
    ...(typeof country === 'string' ? [country.toUpperCase()] : []),
    ...(typeof asn === 'number' ? [`AS${asn}`] : typeof asn === 'string' ? [asn.toUpperCase()] : []),
  ]
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}
