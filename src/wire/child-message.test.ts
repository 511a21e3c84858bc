import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as m from './child-message.js'

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

function small(type: number, count: number): Uint8Array {
  const bytes = new Uint8Array(m.SMALL_BYTES)
  m.encodeSmall(bytes, 0, type, count)
  return bytes
}

function accept(fields: Partial<m.AcceptMessage>): Uint8Array {
  const bytes = new Uint8Array(m.ACCEPT_BYTES)
  m.encodeAccept(bytes, 0, { ...PLAIN, ...fields })
  return bytes
}

const PLAIN: m.AcceptMessage = {
  tlsVersions: 0,
  aaaProtocol: 0,
  flags: 0,
  realm: '',
  listenerMark: 0,
  protocol: 6,
}

const SMALL_CASES = [
  { name: 'DONE 1', type: m.DONE, count: 1, bytes: '0000000001000000' },
  { name: 'KEEPALIVE', type: m.KEEPALIVE, count: 0, bytes: '0100000000000000' },
  { name: 'MAY_DIE', type: m.MAY_DIE, count: 0, bytes: '0200000000000000' },
  { name: 'DYING', type: m.DYING, count: 0, bytes: '0300000000000000' },
  { name: 'BAD_CFG', type: m.BAD_CFG, count: 0, bytes: '0400000000000000' },
  { name: 'MAX 9995, as from 20000 descriptors', type: m.MAX, count: 9995, bytes: '050000000b270000' },
  { name: 'a negative count', type: m.DONE, count: -2, bytes: '00000000feffffff' },
]

for (const { bytes, count, name, type } of SMALL_CASES) {
  test(`encodes a small message as the original does: ${name}`, () => {
    assert.equal(hex(small(type, count)), bytes)
    const read = Uint8Array.from(Buffer.from(bytes, 'hex'))
    assert.equal(m.messageType(read, 0, read.length), type)
    assert.equal(m.messageCount(read, 0), count)
  })
}

const NO_REALM = '00'.repeat(16)

const ACCEPT_CASES = [
  {
    name: 'the trace in the original documentation',
    fields: { realm: 'myrealm' },
    bytes: `06000000000000000000000000000000${'6d797265616c6d'.padEnd(32, '0')}0000000006000000`,
  },
  {
    name: 'TLS yes, and every flag',
    fields: {
      tlsVersions: 0x0403,
      flags: m.FLAG_HAPROXY | m.FLAG_ACCOUNTING | m.FLAG_TLS_PSK | m.FLAG_TLS_AUTO,
    },
    bytes: `0600000003040000000000000f000000${NO_REALM}0000000006000000`,
  },
  {
    name: 'SCTP, with listener mark and aaaProtocol',
    fields: { aaaProtocol: 465, listenerMark: 0x01020304, protocol: 132 },
    bytes: `0600000000000000d101000000000000${NO_REALM}0403020184000000`,
  },
  {
    name: 'the longest realm',
    fields: { realm: 'fifteen-letters' },
    bytes: `06000000000000000000000000000000${'6669667465656e2d6c657474657273'}000000000006000000`,
  },
]

for (const { bytes, fields, name } of ACCEPT_CASES) {
  test(`encodes ACCEPT as the original does: ${name}`, () => {
    assert.equal(hex(accept(fields)), bytes)
    const read = Uint8Array.from(Buffer.from(bytes, 'hex'))
    assert.equal(m.messageType(read, 0, read.length), m.ACCEPT)
    assert.deepEqual(m.decodeAccept(read, 0), { ...PLAIN, ...fields })
  })
}

function udpData(fields: Partial<m.AcceptMessage>, datagram: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(m.UDPDATA_BYTES + m.DATAGRAM_BYTES_MAX).fill(0xff)
  const byteCount = m.encodeUdpData(bytes, 0, { ...PLAIN, ...fields }, datagram)
  return bytes.subarray(0, byteCount)
}

const UDPDATA_CASES = [
  {
    name: 'one byte',
    fields: {},
    datagram: 'a5',
    bytes: `07000000000000000000000000000000${NO_REALM}0100000000000000a5`,
  },
  {
    name: 'a RADIUS request, with DTLS yes and every option of a listener',
    fields: { tlsVersions: 0x00fd00ff, aaaProtocol: 385, flags: m.FLAG_ACCOUNTING, realm: 'fifteen-letters' },
    datagram: '01020014000102030405060708090a0b0c0d0e0f',
    bytes:
      '07000000ff00fd008101000002000000' +
      `${'6669667465656e2d6c657474657273'}00` +
      '140000000000000001020014000102030405060708090a0b0c0d0e0f',
  },
  {
    name: 'the longest datagram; without mark and protocol',
    fields: { listenerMark: 0x01020304, protocol: 17 },
    datagram: '5a'.repeat(4096),
    bytes: `07000000000000000000000000000000${NO_REALM}0010000000000000${'5a'.repeat(4096)}`,
  },
]

for (const { bytes, datagram, fields, name } of UDPDATA_CASES) {
  test(`encodes UDPDATA as the original does: ${name}`, () => {
    const sent = udpData(fields, Buffer.from(datagram, 'hex'))
    assert.equal(hex(sent), bytes)
    assert.equal(m.messageType(sent, 0, sent.length), m.UDPDATA)
  })
}

test('truncates a realm that is too long at a character boundary', () => {
  assert.equal(m.decodeAccept(accept({ realm: 'a'.repeat(40) }), 0).realm, 'a'.repeat(15))
  assert.equal(m.decodeAccept(accept({ realm: 'ü'.repeat(8) }), 0).realm, 'ü'.repeat(7))
})

test('overwrites previous content of the memory completely', () => {
  const bytes = new Uint8Array(m.ACCEPT_BYTES).fill(0xff)
  m.encodeAccept(bytes, 0, PLAIN)
  assert.equal(hex(bytes), `06000000000000000000000000000000${NO_REALM}0000000006000000`)
})

test('reads an unterminated realm to its last byte', () => {
  const bytes = accept({})
  bytes.fill(0x78, 16, 32)
  assert.equal(m.decodeAccept(bytes, 0).realm, 'x'.repeat(16))
})

test('a message that is too short for its type has no type', () => {
  const bytes = accept({})
  for (let length = 0; length < m.ACCEPT_BYTES; length++) {
    assert.equal(m.messageType(bytes, 0, length), undefined, `${length} bytes`)
  }
  assert.equal(m.messageType(bytes, 0, m.ACCEPT_BYTES), m.ACCEPT)
  assert.equal(m.messageType(small(m.MAX, 1), 0, 7), undefined)
})

const uint32 = fc.nat({ max: 0xffff_ffff })
const realm = fc
  .string({ maxLength: 15, unit: 'grapheme' })
  .filter((text) => !text.includes('\0') && Buffer.byteLength(text) <= 15)
  .filter((text) => Buffer.from(text).toString() === text)
const message = fc.record({
  tlsVersions: uint32,
  aaaProtocol: uint32,
  flags: uint32,
  realm,
  listenerMark: uint32,
  protocol: uint32,
})

test('ACCEPT round-trips at any offset without touching adjacent bytes', () => {
  fc.assert(
    fc.property(message, fc.nat({ max: 70 }), (written, offset) => {
      const bytes = new Uint8Array(offset + m.ACCEPT_BYTES + 5).fill(0xa5)
      m.encodeAccept(bytes, offset, written)
      assert.deepEqual(m.decodeAccept(bytes, offset), { ...written })
      assert.equal(m.messageType(bytes, offset, m.ACCEPT_BYTES), m.ACCEPT)
      assert.ok(bytes.subarray(0, offset).every((byte) => byte === 0xa5))
      assert.ok(bytes.subarray(offset + m.ACCEPT_BYTES).every((byte) => byte === 0xa5))
    }),
  )
})

test('UDPDATA has the documented layout at any offset without touching adjacent bytes', () => {
  const datagram = fc.uint8Array({ minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(message, datagram, fc.nat({ max: 70 }), (fields, data, offset) => {
      const byteCount = m.UDPDATA_BYTES + data.length
      const bytes = Buffer.alloc(offset + byteCount + 5, 0xa5)
      assert.equal(m.encodeUdpData(bytes, offset, fields, data), byteCount)
      const words = [0, 4, 8, 12].map((at) => bytes.readUInt32LE(offset + at))
      assert.deepEqual(words, [7, fields.tlsVersions, fields.aaaProtocol, fields.flags])
      const realm = bytes.subarray(offset + 16, offset + 32).toString()
      assert.equal(realm.replace(/\0+$/, ''), fields.realm)
      assert.equal(bytes.readInt16LE(offset + 32), data.length)
      assert.ok(bytes.subarray(offset + 34, offset + 40).every((byte) => byte === 0))
      assert.equal(hex(bytes.subarray(offset + 40, offset + byteCount)), hex(data))
      assert.ok(bytes.subarray(0, offset).every((byte) => byte === 0xa5))
      assert.ok(bytes.subarray(offset + byteCount).every((byte) => byte === 0xa5))
    }),
  )
})

test('small messages round-trip', () => {
  fc.assert(
    fc.property(uint32, fc.integer(), fc.nat({ max: 70 }), (type, count, offset) => {
      const bytes = new Uint8Array(offset + m.SMALL_BYTES)
      m.encodeSmall(bytes, offset, type, count)
      assert.equal(m.messageCount(bytes, offset), count)
      const found = m.messageType(bytes, offset, m.SMALL_BYTES)
      assert.equal(found, type === m.ACCEPT ? undefined : type)
    }),
  )
})

test('decodes arbitrary bytes without throwing', () => {
  // fast-check prints the seed of a run that fails.
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 96 }), fc.boolean(), (bytes, isAccept) => {
      if (isAccept && bytes.length > 0) bytes.set([m.ACCEPT, 0, 0, 0].slice(0, bytes.length))
      const type = m.messageType(bytes, 0, bytes.length)
      assert.equal(type === undefined, bytes.length < (isAcceptType(bytes) ? m.ACCEPT_BYTES : m.SMALL_BYTES))
      if (type === undefined) return
      assert.ok(Number.isInteger(m.messageCount(bytes, 0)))
      if (type !== m.ACCEPT) return
      const { realm, ...numbers } = m.decodeAccept(bytes, 0)
      assert.ok(realm.length <= 16)
      for (const number of Object.values(numbers)) assert.ok(number >= 0 && number <= 0xffff_ffff)
    }),
    { numRuns: 2_000 },
  )
})

function isAcceptType(bytes: Uint8Array): boolean {
  return bytes.length >= m.SMALL_BYTES && Buffer.from(bytes).readUInt32LE() === m.ACCEPT
}
