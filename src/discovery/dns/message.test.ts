import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, decode, encode } from 'dns-packet'
import fc from 'fast-check'
import { address, alias, authority, service } from '../../../test/harness/dns-server.js'
import { DnsFailure } from './dns-failure.js'
import { decodeResponse, encodeQuery, type Query } from './message.js'

const NAME = 'www.example.test'
const QUERY: Query = { id: 0x1234, question: { name: NAME, type: 'A' }, isExtended: true }

function responseWith(answers: Answer[], authorities: Answer[] = []): Buffer {
  const questions = [{ name: NAME, type: 'A' as const }]
  return encode({ type: 'response', id: QUERY.id, questions, answers, authorities })
}

test('a query asks for recursion, with EDNS or without', () => {
  for (const isExtended of [true, false]) {
    const packet = decode(encodeQuery({ ...QUERY, isExtended }))
    assert.equal(packet.id, QUERY.id)
    assert.ok(packet.flag_rd && !packet.flag_qr)
    assert.deepEqual(
      packet.questions?.map(({ name, type }) => `${type} ${name}`),
      [`A ${NAME}`],
    )
    assert.equal(packet.additionals?.length, isExtended ? 1 : 0)
  }
})

test('reads the records of known types, names in lower case', () => {
  const text: Answer = { type: 'TXT', name: NAME, ttl: 9, data: 'text' }
  const chaos: Answer = { type: 'A', name: NAME, ttl: 9, class: 'CH', data: '10.0.0.9' }
  const records = [
    alias('WWW.example.test', 'B.example.test', 9),
    text,
    chaos,
    address('b.example.test', '10.0.0.1', 2 ** 31 - 1),
    address('b.example.test', '10.0.0.2', 2 ** 31),
    address('b.example.test', '2001:DB8::0:1', 0),
    service(NAME, '1 2 3 T.test', 1),
    service(NAME, '0 0 0 .', 1),
  ]
  const { answers, authorities } = decodeResponse(QUERY, responseWith(records, [authority(7, 5)]))
  assert.deepEqual(answers, [
    { name: NAME, ttlMs: 9_000, type: 'CNAME', target: 'b.example.test' },
    { name: 'b.example.test', ttlMs: 2 ** 31 * 1_000 - 1_000, type: 'A', address: '10.0.0.1' },
    { name: 'b.example.test', ttlMs: 0, type: 'A', address: '10.0.0.2' },
    { name: 'b.example.test', ttlMs: 0, type: 'AAAA', address: '2001:db8::1' },
    { name: NAME, ttlMs: 1_000, type: 'SRV', priority: 1, weight: 2, port: 3, target: 't.test' },
    { name: NAME, ttlMs: 1_000, type: 'SRV', priority: 0, weight: 0, port: 0, target: '.' },
  ])
  assert.deepEqual(authorities, [{ name: 'example.test', ttlMs: 7_000, type: 'SOA', minimumMs: 5_000 }])
})

test('rejects records of a wrong length', () => {
  const message = responseWith([address(NAME, '10.0.0.1')])
  for (const change of [-1, 1]) {
    const wrong = Buffer.concat([
      message.subarray(0, change < 0 ? -1 : undefined),
      Buffer.alloc(change < 0 ? 0 : 1),
    ])
    wrong.writeUInt16BE(4 + change, message.length - 6)
    assert.throws(() => decodeResponse(QUERY, wrong), { message: 'a malformed response' })
  }
})

const VALID = responseWith(
  [
    alias(NAME, 'b.example.test'),
    address('b.example.test', '10.0.0.1'),
    address('b.example.test', '::1'),
    service(NAME, '1 2 3 t.test'),
    { type: 'TXT', name: NAME, data: ['text', 'more'] },
    {
      type: 'OPT',
      name: '.',
      udpPayloadSize: 9,
      extendedRcode: 0,
      ednsVersion: 0,
      flags: 0,
      flag_do: false,
      options: [],
    },
  ],
  [authority()],
)

/** Bytes that mean something: lengths, pointers to names, types. */
const anyByte = fc.oneof(fc.constantFrom(0, 1, 5, 12, 28, 33, 41, 63, 64, 192, 255), fc.nat(255))
const edits = fc.array(
  fc.record({
    at: fc.nat(VALID.length),
    removed: fc.nat(3),
    bytes: fc.uint8Array({ maxLength: 3 }),
    byte: anyByte,
  }),
  { maxLength: 4 },
)
const mutated = edits.map((all) =>
  all.reduce<Buffer>((message, { at, byte, bytes, removed }) => {
    const place = at % (message.length + 1)
    return Buffer.concat([
      message.subarray(0, place),
      Buffer.from([byte]),
      bytes,
      message.subarray(place + 1 + removed),
    ])
  }, VALID),
)
const random = fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.concat([VALID.subarray(0, 12), bytes]))

test('any bytes are a response or a failure', () => {
  fc.assert(
    fc.property(fc.oneof(mutated, random, fc.uint8Array().map(Buffer.from)), (bytes) => {
      try {
        const { answers } = decodeResponse(QUERY, bytes)
        for (const record of answers) assert.equal(typeof record.name, 'string')
      } catch (error) {
        assert.ok(error instanceof DnsFailure, String(error))
      }
    }),
    { numRuns: 5_000 },
  )
})

test('the largest message of pointers to pointers ends', () => {
  const message = Buffer.alloc(65_535, 0xc0)
  VALID.copy(message, 0, 0, 12)
  message.writeUInt16BE(0xffff, 6)
  for (let at = 12; at < 0x3ffe; at += 2) message.writeUInt16BE(0xc000 | Math.max(at - 2, 12), at)
  assert.throws(() => decodeResponse(QUERY, message), DnsFailure)
})
