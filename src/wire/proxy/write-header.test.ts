import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { readProxy, readTlvs, slowCrc32c } from '../../../test/support/read-proxy.js'
import { PROXY_TLVS, type ProxyTlv } from '../../base/proxy-tlvs.js'
import { crc32c } from './crc32c.js'
import { type ProxyEnd, ProxyFacts, type ProxyTls } from './proxy-facts.js'
import { localProxyHeader, PROXY_BYTES_MAX, type ProxyVersion, writeProxyHeader } from './write-header.js'

type End = { readonly host: readonly number[]; readonly port: number } | { readonly path: string } | undefined

function set(end: ProxyEnd, given: End): void {
  if (given === undefined) end.clear()
  else if ('path' in given) end.setUnix(Buffer.from(given.path), 0, Buffer.byteLength(given.path))
  else if (given.host.length === 4) end.setIpv4(Uint8Array.from(given.host), 0, given.port)
  else end.setIpv6(Uint8Array.from(given.host), 0, given.port)
}

interface Given {
  readonly source?: End
  readonly destination?: End
  readonly tlvs?: readonly ProxyTlv[]
  readonly serverName?: string
  readonly alpn?: string
  readonly uniqueId?: string
  readonly tls?: ProxyTls | undefined
}

/** The record is reused, as in a reactor. */
const facts = new ProxyFacts()

function written(version: ProxyVersion, { destination, source, tlvs = [], ...texts }: Given): Buffer {
  set(facts.source, source)
  set(facts.destination, destination)
  Object.assign(facts, { serverName: '', alpn: '', uniqueId: '', tls: undefined, ...texts })
  const into = Buffer.alloc(PROXY_BYTES_MAX, 0xee)
  const byteCount = writeProxyHeader(into, facts, version, tlvs)
  return into.subarray(0, byteCount)
}

const V4 = {
  source: { host: [192, 168, 0, 1], port: 56324 },
  destination: { host: [192, 168, 0, 11], port: 443 },
}
const V6 = {
  source: { host: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], port: 4124 },
  destination: { host: [0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], port: 443 },
}
const PREFIX = '0d0a0d0a000d0a515549540a'

test('version 1 as in the specification', () => {
  // Section 2.1 of the specification has this line.
  assert.equal(written('v1', V4).toString(), 'PROXY TCP4 192.168.0.1 192.168.0.11 56324 443\r\n')
  assert.equal(written('v1', V6).toString(), 'PROXY TCP6 2001:db8::1 2001:db8:0:1:: 4124 443\r\n')
  assert.equal(written('v1', {}).toString(), 'PROXY UNKNOWN\r\n')
  assert.equal(
    written('v1', { source: { path: '' }, destination: { path: '/run/a' } }).toString(),
    'PROXY UNKNOWN\r\n',
  )
  const longest = { host: new Array<number>(16).fill(0xff), port: 65535 }
  const line = written('v1', { source: longest, destination: longest }).toString()
  const address = 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'
  assert.equal(line, `PROXY TCP6 ${address} ${address} 65535 65535\r\n`)
})

test('version 2 as in the specification', () => {
  assert.equal(written('v2', V4).toString('hex'), `${PREFIX}2111000cc0a80001c0a8000bdc0401bb`)
  const [from, to] = ['20010db8000000000000000000000001', '20010db8000000010000000000000000']
  assert.equal(written('v2', V6).toString('hex'), `${PREFIX}21210024${from}${to}101c01bb`)
  assert.equal(written('v2', {}).toString('hex'), `${PREFIX}21000000`)
  const unix = written('v2', { source: { path: '' }, destination: { path: '/run/a' } }).toString('hex')
  const path = Buffer.from('/run/a').toString('hex')
  assert.equal(unix, `${PREFIX}213100d8${'00'.repeat(108)}${path}${'00'.repeat(102)}`)
})

test('ends of two families are both written as IPv6', () => {
  const { source } = V4
  const { destination } = V6
  assert.equal(
    written('v1', { source, destination }).toString(),
    'PROXY TCP6 ::ffff:c0a8:1 2001:db8:0:1:: 56324 443\r\n',
  )
  const mapped = '00000000000000000000ffffc0a80001'
  const hex = written('v2', { source, destination }).toString('hex')
  assert.equal(hex, `${PREFIX}21210024${mapped}20010db8000000010000000000000000dc0401bb`)
  // A path has no other end that would fit.
  assert.equal(readProxy(written('v2', { source: { path: '/a' }, destination })).protocol, 'UNSPEC')
  assert.equal(readProxy(written('v1', { source, destination: undefined })).protocol, 'UNKNOWN')
})

test('a connection that is for no client', () => {
  assert.equal(Buffer.from(localProxyHeader('v1')).toString(), 'PROXY UNKNOWN\r\n')
  assert.equal(Buffer.from(localProxyHeader('v2')).toString('hex'), `${PREFIX}20000000`)
})

test('each value has its type, and what is not known is left out', () => {
  const tls = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256', commonName: 'joe', isResumed: false }
  const texts = { serverName: 'www.example.com', alpn: 'h2', uniqueId: '1-2-3' }
  const { tlvs } = readProxy(written('v2', { ...V4, ...texts, tls, tlvs: PROXY_TLVS }))
  assert.deepEqual([...tlvs.keys()], [2, 1, 0x20, 5, 3])
  assert.deepEqual([tlvs.get(1), tlvs.get(2), tlvs.get(5)].map(String), ['h2', 'www.example.com', '1-2-3'])
  assert.equal(tlvs.get(0x20)?.toString('hex', 0, 5), '0700000000')
  const ssl = readTlvs(tlvs.get(0x20)?.subarray(5) as Buffer)
  assert.deepEqual(
    [...ssl].map(([type, value]) => [type, String(value)]),
    [
      [0x21, 'TLSv1.3'],
      [0x23, 'TLS_AES_128_GCM_SHA256'],
      [0x22, 'joe'],
    ],
  )
  const unknown = readProxy(written('v2', { ...V4, tlvs: ['authority', 'alpn', 'unique-id'] }))
  assert.equal(unknown.tlvs.size, 0)
})

test('the value for TLS says what the client has shown', () => {
  const tls = { version: 'TLSv1.2', cipher: 'X', commonName: undefined, isResumed: false }
  const sslOf = (of: ProxyTls | undefined) =>
    readProxy(written('v2', { ...V4, tls: of, tlvs: ['ssl'] }))
      .tlvs.get(0x20)
      ?.toString('hex', 0, 5)
  assert.equal(sslOf(undefined), '0000000001')
  assert.equal(sslOf(tls), '0100000001')
  assert.equal(sslOf({ ...tls, commonName: '' }), '0700000000')
  assert.equal(sslOf({ ...tls, commonName: 'joe', isResumed: true }), '0500000000')
})

test('a text that is too long is left out', () => {
  for (const [length, isThere] of [
    [255, true],
    [256, false],
  ] as const) {
    const header = readProxy(
      written('v2', { ...V4, uniqueId: 'x'.repeat(length), tlvs: ['unique-id', 'crc32c'] }),
    )
    assert.deepEqual([header.tlvs.has(5), header.tlvs.has(3)], [isThere, true])
  }
})

test('the checksum is CRC32c', () => {
  // RFC 3720, appendix B.4.
  assert.equal(crc32c(new Uint8Array(32), 32), 0x8a9136aa)
  assert.equal(crc32c(new Uint8Array(32).fill(0xff), 32), 0x62a8ab43)
  assert.equal(
    crc32c(
      Uint8Array.from({ length: 40 }, (_, i) => i),
      32,
    ),
    0x46dd794e,
  )
  fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32c(bytes, bytes.length) === slowCrc32c(bytes)))
})

const byte = fc.integer({ min: 0, max: 255 })
const port = fc.integer({ min: 0, max: 65535 })
const ip = (bytes: number) =>
  fc.record({ host: fc.array(fc.oneof(byte, fc.constant(0)), { minLength: bytes, maxLength: bytes }), port })
const path = fc.stringMatching(/^[ -~]{0,108}$/).map((text) => ({ path: text }))
const anyEnd: fc.Arbitrary<End> = fc.oneof(ip(4), ip(16), path, fc.constant(undefined))
const anyText = fc.oneof(fc.constant(''), fc.string({ maxLength: 300, unit: 'binary' }))
const anyTls = fc.option(
  fc.record({
    version: anyText,
    cipher: anyText,
    commonName: fc.option(anyText, { nil: undefined }),
    isResumed: fc.boolean(),
  }),
  { nil: undefined },
)

/** As the decoder writes the address in a header of `protocol`. */
function shownAs(protocol: string, end: End): string {
  if (end === undefined || protocol === 'UNSPEC' || protocol === 'UNKNOWN') return ''
  if ('path' in end) return protocol === 'UNIX' ? end.path : ''
  if (protocol === 'TCP4') return end.host.join('.')
  const bytes = end.host.length === 16 ? end.host : [...new Array<number>(10).fill(0), 255, 255, ...end.host]
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/(....)(?!$)/g, '$1:')
}

/** All groups of an IPv6 address in full. */
function inFull(protocol: string, text: string): string {
  if (protocol !== 'TCP6') return text
  const [before = '', after] = text.split('::')
  const groups = (part: string) => (part === '' ? [] : part.split(':'))
  const [left, right] = [groups(before), groups(after ?? '')]
  const missing = after === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...new Array<string>(missing).fill('0'), ...right]
    .map((one) => one.padStart(4, '0'))
    .join(':')
}

test('a decoder that is written from the specification reads whatever is written', () => {
  fc.assert(
    fc.property(
      fc.record({
        version: fc.constantFrom('v1' as const, 'v2' as const),
        source: anyEnd,
        destination: anyEnd,
        tlvs: fc.uniqueArray(fc.constantFrom(...PROXY_TLVS)),
        serverName: anyText,
        alpn: anyText,
        uniqueId: anyText,
        tls: anyTls,
      }),
      ({ version, ...given }) => {
        const bytes = written(version, given)
        const header = readProxy(Buffer.concat([bytes, Buffer.from('and more')]))
        assert.equal(header.headerBytes, bytes.length)
        const { destination, source } = given
        assert.equal(inFull(header.protocol, header.source), shownAs(header.protocol, source))
        assert.equal(inFull(header.protocol, header.destination), shownAs(header.protocol, destination))
        if (header.protocol.startsWith('TCP') && source !== undefined && 'port' in source)
          assert.equal(header.sourcePort, source.port)
        if (version === 'v1') return
        const fits = (text: string) => text !== '' && Buffer.byteLength(text) <= 255
        const { alpn, serverName, tlvs, uniqueId } = given
        for (const [type, name, text] of [
          [1, 'alpn', alpn],
          [2, 'authority', serverName],
          [5, 'unique-id', uniqueId],
        ] as const) {
          const value = tlvs.includes(name) && fits(text) ? Buffer.from(text).toString('hex') : undefined
          assert.equal(header.tlvs.get(type)?.toString('hex'), value)
        }
        assert.equal(header.tlvs.has(0x20), tlvs.includes('ssl'))
        const sum = header.tlvs.get(3)
        assert.equal(sum !== undefined, tlvs.includes('crc32c'))
        if (sum !== undefined) assert.equal(sum.readUInt32BE(), checksumWithout(bytes))
      },
    ),
  )
})

/** The checksum of a header, with zeros where it has its own. */
function checksumWithout(bytes: Buffer): number {
  const copy = Buffer.from(bytes)
  readProxy(copy).tlvs.get(3)?.fill(0)
  return slowCrc32c(copy)
}
