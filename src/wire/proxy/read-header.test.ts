import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type HeaderParts, v1Header, v2Header } from '../../../test/support/proxy-header.js'
import { proxySeed, runs } from '../../../test/support/proxy-runs.js'
import { crc32c } from './crc32c.js'
import { INCOMPLETE, MALFORMED, ProxyHeader, UNDECIDED } from './header.js'
import { readProxyHeader } from './read-header.js'

const latin = (text: string) => Buffer.from(text, 'latin1')

/** What a header says, or why it is none. */
function read(bytes: Uint8Array, byteCount = bytes.length) {
  const header = new ProxyHeader()
  const length = readProxyHeader(bytes, byteCount, header)
  const { host, port, problem, source, tlvs } = header
  if (length === MALFORMED) return problem
  const bytesOf = { ipv4: 4, ipv6: 16, unix: 0, peer: 0 }[source]
  return { length, source, host: [...host.subarray(0, bytesOf)].join('.'), port, tlvs }
}

const NAMED = { source: 'ipv4', host: '192.0.2.7', port: 5012, tlvs: undefined }

test('version 1: the examples of the specification', () => {
  const line = 'PROXY TCP4 192.0.2.7 192.0.2.1 5012 443\r\n'
  assert.deepEqual(read(latin(`${line}GET / HTTP/1.1\r\n`)), { length: line.length, ...NAMED })
  const longest =
    'PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n'
  assert.equal(longest.length, 107)
  const peer = { source: 'peer', host: '', port: 0, tlvs: undefined }
  assert.deepEqual(read(latin(longest)), { length: 107, ...peer })
  assert.deepEqual(read(latin('PROXY UNKNOWN\r\n')), { length: 15, ...peer })
  const ipv6 = 'PROXY TCP6 2001:db8::1 ::1 65535 0\r\n'
  assert.deepEqual(read(latin(ipv6)), {
    length: ipv6.length,
    source: 'ipv6',
    host: '32.1.13.184.0.0.0.0.0.0.0.0.0.0.0.1',
    port: 65_535,
    tlvs: undefined,
  })
})

test('version 1: anything else is malformed', () => {
  for (const line of [
    'PROXY \r\n',
    'PROXY TCP4\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 5012\r\n',
    'PROXY TCP4 192.0.2.7  192.0.2.1 5012 443\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 5012 443 \r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.1 5012 443\r\n',
    'PROXY TCP4 192.0.02.7 192.0.2.1 5012 443\r\n',
    'PROXY TCP4 192.0.2 192.0.2.1 5012 443\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 05012 443\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 65536 443\r\n',
    'PROXY TCP4 192.0.2.7 192.0.2.1 +1 443\r\n',
    'PROXY TCP4 ::1 ::1 1 2\r\n',
    'PROXY TCP6 192.0.2.7 192.0.2.1 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n',
    'PROXY tcp4 192.0.2.7 192.0.2.1 1 2\r\n',
    'PROXY UDP4 192.0.2.7 192.0.2.1 1 2\r\n',
    'PROXY UNKNOWNS\r\n',
  ]) {
    assert.equal(read(latin(line)), 'invalid line of version 1', line)
  }
  assert.equal(read(latin('PROXY TCP4 192.0.2.7 192.0.2.1 5012 443\n')), 'line does not end with CRLF')
  assert.equal(read(latin(`PROXY UNKNOWN ${'x'.repeat(93)}\r\n`)), 'line longer than 107 bytes')
})

test('version 2: addresses of each family, and those without', () => {
  const ipv4 = v2Header({ family: 0x11, source: [192, 0, 2, 7], port: 5012 })
  assert.equal(ipv4.length, 28)
  assert.deepEqual(read(Buffer.concat([ipv4, latin('more')])), { length: 28, ...NAMED })
  const host = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9]
  const ipv6 = v2Header({ family: 0x21, source: host, port: 7 })
  assert.deepEqual(read(ipv6), { length: 52, source: 'ipv6', host: host.join('.'), port: 7, tlvs: undefined })
  const none = { host: '', port: 0, tlvs: undefined }
  assert.deepEqual(read(v2Header({ family: 0x31 })), { length: 232, source: 'unix', ...none })
  assert.deepEqual(read(v2Header({ family: 0x00 })), { length: 16, source: 'peer', ...none })
  // LOCAL: everything after the length is to be ignored.
  const local = v2Header({ command: 0, family: 0x11, source: [192, 0, 2, 7], tlvs: [[0x03, [1, 2, 3, 4]]] })
  assert.deepEqual(read(local), { length: 35, source: 'peer', ...none })
})

test('version 2: unexpected values are malformed', () => {
  const changed = (at: number, value: number) => {
    const bytes = v2Header({ family: 0x11, source: [1, 2, 3, 4] })
    bytes[at] = value
    return bytes
  }
  assert.equal(read(changed(12, 0x11)), 'version 1 is not supported')
  assert.equal(read(changed(12, 0x22)), 'invalid command 2')
  for (const family of [0x13, 0x41, 0xf1])
    assert.equal(read(changed(13, family)), 'invalid address family or protocol')
  assert.equal(read(changed(15, 11)), 'too short for its addresses')
  assert.equal(read(changed(14, 0x10)), 'longer than 4096 bytes')
})

const checked: HeaderParts = { family: 0x11, source: [192, 0, 2, 7], port: 5012, hasChecksum: true }

test('version 2: TLVs', () => {
  const ssl = [0x07, 0, 0, 0, 0, 0x21, 0, 7, ...latin('TLSv1.3'), 0x22, 0, 5, ...latin('alice')]
  const bytes = v2Header({
    ...checked,
    tlvs: [
      [0x01, [...latin('h2')]],
      [0x02, [...latin('www.example.com')]],
      [0x04, [0, 0]],
      [0x05, [0xab, 1]],
      [0x20, ssl],
      [0x30, [...latin('blue')]],
      [0xea, [1, 0x76, 0x70]],
    ],
  })
  const found = read(bytes)
  assert.deepEqual(found, {
    length: bytes.length,
    ...NAMED,
    tlvs: {
      alpn: 'h2',
      authority: 'www.example.com',
      uniqueId: 'ab01',
      netns: 'blue',
      ssl: { version: 'TLSv1.3', commonName: 'alice', cipher: '', isVerified: true },
      others: [{ type: 0xea, hex: '017670' }],
    },
  })
})

test('version 2: TLVs that exceed what contains them, and wrong checksums, are malformed', () => {
  const withTlv = (type: number, value: readonly number[]) =>
    read(v2Header({ ...checked, tlvs: [[type, value]] }))
  assert.equal(withTlv(0x20, [1, 0, 0]), 'SSL TLV too short')
  assert.equal(withTlv(0x20, [1, 0, 0, 0, 0, 0x21, 0, 9, 1]), 'a TLV exceeds the SSL TLV')
  assert.equal(withTlv(0x05, Array(129).fill(1)), 'unique id longer than 128 bytes')
  const cut = v2Header({ family: 0x11, source: [1, 2, 3, 4], tlvs: [[0x01, [1, 2]]] })
  cut[15] = (cut[15] as number) - 1
  assert.equal(read(cut), 'a TLV exceeds the header')
  const bytes = v2Header(checked)
  const [tlvAt, valueAt] = [28, 31]
  for (let at = 16; at < bytes.length; at++) {
    // Another type or length is another TLV.
    if (at >= tlvAt && at < valueAt) continue
    const copy = Buffer.from(bytes)
    copy[at] = (copy[at] as number) ^ 1
    assert.equal(typeof read(copy), 'string', `a changed byte ${at}`)
  }
})

test('CRC-32C: the check value of the catalogue, and RFC 3720', () => {
  assert.equal(crc32c(latin('123456789'), 9), 0xe306_9283)
  assert.equal(crc32c(new Uint8Array(32), 32), 0x8a91_36aa)
  assert.equal(crc32c(new Uint8Array(32).fill(255), 32), 0x62a8_ab43)
})

const seed = proxySeed()

const headers = fc.oneof(
  fc.record({ source: fc.ipV4(), port: fc.nat(65_535) }).map(v1Header),
  fc
    .record({
      family: fc.constantFrom(0x11, 0x12, 0x21, 0x31, 0x00),
      source: fc.array(fc.nat(255), { minLength: 16, maxLength: 16 }),
      port: fc.nat(65_535),
      hasChecksum: fc.boolean(),
      tlvs: fc.array(
        fc.tuple(fc.constantFrom(1, 2, 4, 5, 0x30, 0xea), fc.array(fc.nat(255), { maxLength: 12 })),
        {
          maxLength: 4,
        },
      ),
    })
    .map(v2Header),
)

test(`a header is incomplete until its last byte, and what follows does not matter (seed ${seed})`, () => {
  fc.assert(
    fc.property(headers, fc.uint8Array({ maxLength: 20 }), (header, behind) => {
      const whole = read(header)
      assert.ok(typeof whole === 'object' && whole.length === header.length)
      assert.deepEqual(read(Buffer.concat([header, behind])), whole)
      const record = new ProxyHeader()
      for (let cut = 0; cut < header.length; cut++) {
        // Bytes that have not arrived are not read: they are what the last client has left there.
        const length = readProxyHeader(header, cut, record)
        assert.equal(length, cut < (header[0] === 0x50 ? 6 : 12) ? UNDECIDED : INCOMPLETE)
      }
    }),
    { seed, numRuns: runs(500) },
  )
})
