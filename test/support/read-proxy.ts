/** A decoder of the PROXY protocol, written from the specification and independent of the product. */
import assert from 'node:assert/strict'

export interface ReadHeader {
  readonly protocol: string
  /** Text of addresses; '' without any. Of Unix sockets: the path. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: number
  readonly destinationPort: number
  /** By type. */
  readonly tlvs: ReadonlyMap<number, Buffer>
  readonly headerBytes: number
}

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const NOBODY = { source: '', destination: '', sourcePort: 0, destinationPort: 0 }

/** Throws if the bytes do not begin with a whole valid header. */
export function readProxy(bytes: Buffer): ReadHeader {
  return bytes.subarray(0, 12).equals(SIGNATURE) ? readV2(bytes) : readV1(bytes)
}

function readV1(bytes: Buffer): ReadHeader {
  const end = bytes.indexOf('\r\n')
  assert.ok(end >= 0 && end + 2 <= 107, 'a line of at most 107 bytes')
  const words = bytes.toString('latin1', 0, end).split(' ')
  assert.equal(words[0], 'PROXY')
  const common = { tlvs: new Map(), headerBytes: end + 2 }
  if (words[1] === 'UNKNOWN') return { protocol: 'UNKNOWN', ...NOBODY, ...common }
  assert.equal(words.length, 6)
  const [, protocol = '', source = '', destination = '', from, to] = words
  assert.match(protocol, /^TCP[46]$/)
  return { protocol, source, destination, sourcePort: Number(from), destinationPort: Number(to), ...common }
}

const FAMILIES: Readonly<Record<number, string>> = { 0: 'UNSPEC', 17: 'TCP4', 33: 'TCP6', 49: 'UNIX' }

function readV2(bytes: Buffer): ReadHeader {
  assert.equal(bytes.readUInt8(12) >> 4, 2)
  const isLocal = (bytes.readUInt8(12) & 0xf) === 0
  const protocol = isLocal ? 'LOCAL' : FAMILIES[bytes.readUInt8(13)]
  assert.ok(protocol !== undefined, `family ${bytes[13]}`)
  const headerBytes = 16 + bytes.readUInt16BE(14)
  assert.ok(headerBytes <= bytes.length, 'the whole header')
  const body = bytes.subarray(16, headerBytes)
  const { addressBytes, ends } = endsOf(protocol, body)
  const tlvs = readTlvs(body.subarray(addressBytes))
  return { protocol, ...ends, tlvs, headerBytes }
}

function endsOf(protocol: string, body: Buffer) {
  const each = { TCP4: 4, TCP6: 16, UNIX: 108 }[protocol]
  if (each === undefined) return { addressBytes: 0, ends: NOBODY }
  const [source, destination] = [body.subarray(0, each), body.subarray(each, 2 * each)]
  if (protocol === 'UNIX')
    return {
      addressBytes: 216,
      ends: { ...NOBODY, source: pathOf(source), destination: pathOf(destination) },
    }
  const [sourcePort, destinationPort] = [body.readUInt16BE(2 * each), body.readUInt16BE(2 * each + 2)]
  const ends = { source: hostOf(source), destination: hostOf(destination), sourcePort, destinationPort }
  return { addressBytes: 2 * each + 4, ends }
}

function pathOf(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/\0+$/, '')
}

/** Of IPv6 all groups in full. */
function hostOf(bytes: Buffer): string {
  return bytes.length === 4 ? bytes.join('.') : bytes.toString('hex').replace(/(....)(?!$)/g, '$1:')
}

export function readTlvs(bytes: Buffer): Map<number, Buffer> {
  const tlvs = new Map<number, Buffer>()
  let at = 0
  while (at < bytes.length) {
    const end = at + 3 + bytes.readUInt16BE(at + 1)
    assert.ok(end <= bytes.length, 'a value ends within the header')
    assert.ok(!tlvs.has(bytes.readUInt8(at)), 'each type once')
    tlvs.set(bytes.readUInt8(at), bytes.subarray(at + 3, end))
    at = end
  }
  return tlvs
}

/** Bit by bit, without a table. */
export function slowCrc32c(bytes: Uint8Array): number {
  let sum = 0xffff_ffffn
  for (const byte of bytes) {
    sum ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) sum = (sum >> 1n) ^ (sum & 1n ? 0x82f63b78n : 0n)
  }
  return Number(sum ^ 0xffff_ffffn)
}
