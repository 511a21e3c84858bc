import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { hostBytes, hostFromBytes } from '../base/address.js'
import { readRuleFile } from './rule-file.js'

const read = (text: string) => readRuleFile(Buffer.from(text))

/** `1: 10.0.0.0 - 10.255.255.255`, IPv4 as mapped. */
function entriesOf(text: string): readonly string[] {
  const { entries, mistakes } = read(text)
  assert.deepEqual(mistakes, [])
  const { bounds, lines } = entries
  const host = (i: number) => hostFromBytes(bounds.subarray(i * 16, (i + 1) * 16))
  return Array.from(lines, (line, i) => `${line}: ${host(i * 2)} - ${host(i * 2 + 1)}`)
}

/** `2:5 message (hint)` */
const mistakesOf = (text: string) =>
  read(text).mistakes.map(({ column, hint, line, message }) => {
    return `${line}:${column} ${message}${hint === undefined ? '' : ` (${hint})`}`
  })

test('reads addresses, networks and ranges, between comments and empty lines', () => {
  const text = [
    '\ufeff# a list',
    '192.0.2.1',
    '',
    '  10.0.0.0/8   # ours',
    '10.1.2.3/255.255.0.0;and a mask',
    '2001:db8::/32\r',
    '192.0.2.5 - 192.0.2.9',
    '2001:db8::1-2001:db8::ff',
    '\t192.0.2.7-192.0.2.7',
  ].join('\n')
  assert.deepEqual(entriesOf(text), [
    '2: ::ffff:c000:201 - ::ffff:c000:201',
    '4: ::ffff:a00:0 - ::ffff:aff:ffff',
    '5: ::ffff:a01:0 - ::ffff:a01:ffff',
    '6: 2001:db8:: - 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
    '7: ::ffff:c000:205 - ::ffff:c000:209',
    '8: 2001:db8::1 - 2001:db8::ff',
    '9: ::ffff:c000:207 - ::ffff:c000:207',
  ])
})

test('an empty file has no entries and no mistakes', () => {
  for (const text of ['', '\n\n', '# nothing']) assert.deepEqual(entriesOf(text), [])
})

test('reports each mistake with its place and what was expected', () => {
  const wanted = "expected an IP address, a network in CIDR notation or a range 'FIRST - LAST', but got"
  const text = [
    '10.0.0.1',
    '  10.0.0.256',
    '10.0.0.0/33',
    'all',
    '10.0.0.9 - 10.0.0.1',
    '10.0.0.0 - ::1',
    '10.0.0.0/8 - 10.0.0.1',
    '10.0.0.1 -',
    'fe80::1%eth0',
    '10.0.0.1 10.0.0.2',
  ].join('\n')
  assert.deepEqual(mistakesOf(text), [
    `2:3 ${wanted} '10.0.0.256'`,
    "3:1 expected a prefix of 0 to 32 bits for IPv4, but got '10.0.0.0/33'",
    "4:1 expected an IP address or network, but got 'all' (all clients are '0.0.0.0/0, ::/0')",
    "5:1 expected a range that ends at or after its first address, but got '10.0.0.9 - 10.0.0.1'",
    "6:1 expected a range of addresses of one family, but got '10.0.0.0 - ::1'",
    `7:1 ${wanted} '10.0.0.0/8 - 10.0.0.1'`,
    `8:1 ${wanted} '10.0.0.1 -'`,
    `9:1 ${wanted} 'fe80::1%eth0'`,
    `10:1 ${wanted} '10.0.0.1 10.0.0.2'`,
  ])
})

test('stops at the 50th mistake', () => {
  assert.equal(read('x\n'.repeat(1_000)).mistakes.length, 50)
})

/** An address as a number: the reference calculates with numbers instead of bytes. */
function numberOf(host: string): bigint {
  const bytes = hostBytes(host)
  const hex = Buffer.from(bytes).toString('hex')
  return bytes.length === 4 ? 0xffff_0000_0000n + BigInt(`0x${hex}`) : BigInt(`0x${hex}`)
}

const ipv4 = fc.ipV4()
const ipv6 = fc.ipV6().map((host) => hostFromBytes(hostBytes(host)))

/** A line with the numbers of its first and last address. */
const line = fc.oneof(
  fc.oneof(ipv4, ipv6).map((host) => ({ text: host, first: numberOf(host), last: numberOf(host) })),
  fc.tuple(ipv4, fc.nat(32)).map(([host, bits]) => networkOf(host, bits, 32)),
  fc.tuple(ipv6, fc.nat(128)).map(([host, bits]) => networkOf(host, bits, 128)),
  fc.oneof(fc.tuple(ipv4, ipv4), fc.tuple(ipv6, ipv6)).map(([a, b]) => {
    const [from, to] = numberOf(a) <= numberOf(b) ? [a, b] : [b, a]
    return { text: `${from} - ${to}`, first: numberOf(from), last: numberOf(to) }
  }),
)

function networkOf(host: string, bits: number, width: number) {
  const size = 1n << BigInt(width - bits)
  const first = (numberOf(host) / size) * size
  return { text: `${host}/${bits}`, first, last: first + size - 1n }
}

test('every valid line becomes the entry that its numbers say', () => {
  // fast-check prints the seed of a run that fails.
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), (lines) => {
      const { entries, mistakes } = read(lines.map(({ text }) => text).join('\n'))
      assert.deepEqual(mistakes, [])
      const at = (i: number) =>
        BigInt(`0x${Buffer.from(entries.bounds.subarray(i * 16, (i + 1) * 16)).toString('hex')}`)
      const found = Array.from(entries.lines, (number, i) => [number, at(i * 2), at(i * 2 + 1)])
      assert.deepEqual(
        found,
        lines.map(({ first, last }, i) => [i + 1, first, last]),
      )
    }),
    { numRuns: 1_000 },
  )
})

test('any bytes are entries or mistakes, one per line at most', () => {
  const soup = fc.array(
    fc.constantFrom(
      '1',
      '255',
      '256',
      '.',
      ':',
      '::',
      '/',
      '-',
      ' ',
      '\n',
      '#',
      ';',
      'ffff',
      '%',
      '\u0000',
      'é',
    ),
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array(),
        soup.map((parts) => Buffer.from(parts.join(''))),
      ),
      (bytes) => {
        const { entries, mistakes } = readRuleFile(bytes)
        const lines = [...entries.lines, ...mistakes.map(({ line }) => line)]
        assert.equal(new Set(lines).size, lines.length)
        assert.equal(entries.bounds.length, entries.lines.length * 32)
        for (let i = 0; i < entries.lines.length; i++) {
          const [first, last] = [i * 32, i * 32 + 16].map((at) => entries.bounds.subarray(at, at + 16))
          assert.ok(Buffer.compare(first ?? bytes, last ?? bytes) <= 0)
        }
      },
    ),
    { numRuns: 5_000 },
  )
})
