import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ClientHello, readClientHello } from './client-hello.js'

/** Limits on the result and on the time for any input. */
const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 50_000 : 2_000

const u8 = (value: number) => [value & 255]
const u16 = (value: number) => [(value >> 8) & 255, value & 255]
const u24 = (value: number) => [(value >> 16) & 255, ...u16(value)]
const vector8 = (bytes: readonly number[]) => [...u8(bytes.length), ...bytes]
const vector16 = (bytes: readonly number[]) => [...u16(bytes.length), ...bytes]
const latin = (text: string) => [...text].map((character) => character.charCodeAt(0))
const extension = (type: number, content: readonly number[]) => [...u16(type), ...vector16(content)]

const serverNameExtension = (name: string) => extension(0, vector16([0, ...vector16(latin(name))]))
const alpnExtension = (names: readonly string[]) =>
  extension(16, vector16(names.flatMap((name) => vector8(latin(name)))))
const versionsExtension = (versions: readonly number[]) => extension(43, vector8(versions.flatMap(u16)))

/** The handshake message with its header. */
function helloMessage(extensions: readonly number[] | undefined, legacyVersion = 0x0303): number[] {
  const body = [
    ...u16(legacyVersion),
    ...Array(32).fill(7),
    ...vector8(Array(32).fill(9)),
    ...vector16([0x13, 0x01, 0xc0, 0x2f]),
    ...vector8([0]),
    ...(extensions === undefined ? [] : vector16(extensions)),
  ]
  return [1, ...u24(body.length), ...body]
}

/** Splits into records of these sizes, repeating the last one. */
function records(message: readonly number[], sizes: readonly number[], minor = 1): Uint8Array {
  const bytes: number[] = []
  for (let at = 0, i = 0; at < message.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? message.length
    const part = message.slice(at, at + size)
    bytes.push(22, 3, minor, ...vector16(part))
    at += size
  }
  return Uint8Array.from(bytes)
}

function encode({ serverName, alpn, versions }: ClientHello): number[] {
  return helloMessage([
    ...extension(0x0a0a, []),
    ...(serverName === undefined ? [] : serverNameExtension(serverName)),
    ...(alpn.length === 0 ? [] : alpnExtension(alpn)),
    ...versionsExtension(versions),
    ...extension(21, Array(20).fill(0)),
  ])
}

const byteText = (minLength: number, maxLength: number) =>
  fc
    .array(fc.integer({ min: 1, max: 255 }), { minLength, maxLength })
    .map((codes) => String.fromCharCode(...codes))
const hello: fc.Arbitrary<ClientHello> = fc.record({
  serverName: fc.option(byteText(1, 255), { nil: undefined }),
  alpn: fc.array(byteText(1, 40), { maxLength: 5 }),
  versions: fc.array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 6 }),
})

test('reads a ClientHello from one or many records and ignores what follows', () => {
  fc.assert(
    fc.property(
      hello,
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }),
      fc.uint8Array({ maxLength: 9 }),
      (wanted, sizes, rest) => {
        const bytes = Uint8Array.of(...records(encode(wanted), sizes), ...rest)
        assert.deepEqual(readClientHello(bytes), { kind: 'hello', hello: { ...wanted } })
      },
    ),
  )
})

test('every prefix of a ClientHello needs more bytes, at most its length', () => {
  fc.assert(
    fc.property(hello, fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 4 }), (wanted, sizes) => {
      const bytes = records(encode(wanted), sizes)
      for (let length = 0; length < bytes.length; length++) {
        const reading = readClientHello(bytes.subarray(0, length))
        assert.ok(reading.kind === 'need-more', `${length} of ${bytes.length} bytes: ${reading.kind}`)
        assert.ok(
          reading.bytesMin > length && reading.bytesMin <= bytes.length,
          `${length}: ${reading.bytesMin}`,
        )
      }
    }),
    { numRuns: 30 },
  )
})

test('requesting bytesMin repeatedly takes few steps', () => {
  const bytes = records(encode({ serverName: 'a.example', alpn: ['h2'], versions: [0x0304] }), [])
  const steps: number[] = []
  for (let reading = readClientHello(bytes.subarray(0, 0)); reading.kind === 'need-more'; ) {
    steps.push(reading.bytesMin)
    reading = readClientHello(bytes.subarray(0, reading.bytesMin))
  }
  assert.equal(steps.at(-1), bytes.length)
  assert.ok(steps.length <= 4, steps.join())
})

test('a ClientHello without extensions offers its legacy version', () => {
  const reading = readClientHello(records(helloMessage(undefined, 0x0301), []))
  assert.deepEqual(reading, { kind: 'hello', hello: { serverName: undefined, alpn: [], versions: [0x0301] } })
})

test('detects other protocols by their first bytes', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n',
    'SSH-2.0-x',
    '\x80\x2e\x02',
    '\x80\x2e\x01\x00\x02',
    '\x15\x02',
    '\0',
  ])
    assert.equal(readClientHello(Uint8Array.from(latin(text))).kind, 'not-tls', text)
})

test('malformed TLS is unreadable, never not-tls', () => {
  for (const text of ['\x16\x02', '\x16\x03\x01\x00\x01\x02', '\x15\x03\x01', '\x14\x03', '\x17\x03\x09'])
    assert.equal(readClientHello(Uint8Array.from(latin(text))).kind, 'unreadable', text)
  const message = helloMessage([])
  const [first, rest] = [message.slice(0, 50), message.slice(50)]
  const record = (type: number, major: number, body: readonly number[]) => [type, major, 1, ...vector16(body)]
  for (const bytes of [
    // Another message type; an oversized record.
    [22, 3, 1, 0, 4, 2, 0, 0, 0],
    [22, 3, 1, 0x40, 1],
    [22, 3, 1, 0x41],
    // Another record type before and inside.
    [...record(20, 3, []), ...record(22, 3, message)],
    [...record(22, 3, first), ...record(21, 3, [1, 90]), ...record(22, 3, rest)],
    [...record(22, 3, first), ...record(22, 4, rest)],
    [
      ...Array(33)
        .fill(record(22, 3, []))
        .flat(),
      ...record(22, 3, message),
    ],
    // SSL 2.0 with inconsistent lengths.
    [0x80, 12, 1, 3, 3, 0, 3, 0, 0, 0, 1, 0, 0, 0],
  ])
    assert.equal(readClientHello(Uint8Array.from(bytes)).kind, 'unreadable', bytes.join())
})

test('accepts records of any minor version and a few empty records', () => {
  const wanted: ClientHello = { serverName: 'a.example', alpn: ['h2'], versions: [0x0304] }
  for (const minor of [0, 1, 4, 5, 9, 255]) {
    const bytes = records(encode(wanted), [7], minor)
    for (const emptyCount of [0, 1, 32]) {
      const empty = Array(emptyCount).fill([22, 3, minor, 0, 0]).flat()
      const reading = readClientHello(Uint8Array.of(...empty, ...bytes))
      assert.deepEqual(reading, { kind: 'hello', hello: wanted }, `${minor}, ${emptyCount}`)
    }
  }
})

test('accepts the longest ClientHello that OpenSSL accepts, and none longer', () => {
  const named = serverNameExtension('a.example')
  const inRecords = (contentBytes: number, size: number) => {
    const filler = extension(0x7777, Array(contentBytes - named.length - 4).fill(0))
    return records(helloMessage([...named, ...filler]), [size])
  }
  // Each vector at its maximum: 65,535 bytes of extensions, 65,534 of ciphers, the others as allowed.
  const body = [
    ...u16(0x0303),
    ...Array(32).fill(7),
    ...vector8(Array(32).fill(9)),
    ...vector16(Array(65_534).fill(1)),
    ...vector8(Array(255).fill(0)),
    ...vector16([...named, ...extension(0x7777, Array(65_535 - named.length - 4).fill(0))]),
  ]
  assert.equal(body.length, 131_396)
  for (const bytes of [
    records([1, ...u24(body.length), ...body], [16_384]),
    records([1, ...u24(body.length), ...body], [129]),
    inRecords(65_535, 16_384),
    inRecords(16_384, 1_000),
  ]) {
    const reading = readClientHello(bytes)
    assert.ok(reading.kind === 'hello' && reading.hello.serverName === 'a.example', reading.kind)
  }
  assert.equal(readClientHello(Uint8Array.of(22, 3, 1, 0x3f, 0xff, 1, 2, 1, 0x45)).kind, 'unreadable')
  assert.equal(readClientHello(inRecords(65_535, 50)).kind, 'unreadable', 'more records than allowed')
})

test('an SSL 2.0 ClientHello has no server name', () => {
  const message = [1, ...u16(0x0303), ...u16(3), ...u16(0), ...u16(16), 0, 0, 0x2f, ...Array(16).fill(5)]
  const bytes = Uint8Array.of(0x80, message.length, ...message)
  const hello = { serverName: undefined, alpn: [], versions: [0x0303] }
  assert.deepEqual(readClientHello(bytes), { kind: 'hello', hello })
  for (let length = 1; length < bytes.length; length++)
    assert.equal(readClientHello(bytes.subarray(0, length)).kind, 'need-more', `${length}`)
})

test('rejects a ClientHello beyond the limit as soon as its length is known', () => {
  const bytes = records(encode({ serverName: 'a', alpn: [], versions: [1] }), [1])
  assert.equal(readClientHello(bytes.subarray(0, 300), 300).kind, 'unreadable')
  assert.equal(readClientHello(bytes, bytes.length).kind, 'hello')
})

test('rejects ambiguous ClientHellos', () => {
  const broken: Record<string, readonly number[]> = {
    'two server names': [...serverNameExtension('a'), ...serverNameExtension('b')],
    'two names in one list': extension(0, vector16([0, ...vector16([97]), 0, ...vector16([98])])),
    'a name of another kind': extension(0, vector16([1, ...vector16([97])])),
    'an empty name': serverNameExtension(''),
    'a name with a NUL': serverNameExtension('a\0b'),
    'a name of 256 bytes': serverNameExtension('a'.repeat(256)),
    'bytes after the name': extension(0, [...vector16([0, ...vector16([97])]), 1]),
    'an empty protocol': extension(16, vector16([0])),
    'no protocol': extension(16, vector16([])),
    'a truncated protocol': extension(16, vector16([3, 97])),
    'a partial version': extension(43, vector8([3])),
    'a truncated extension': [0, 0, 0, 9, 1],
  }
  for (const [what, extensions] of Object.entries(broken))
    assert.equal(readClientHello(records(helloMessage(extensions), [])).kind, 'unreadable', what)
})

test('ignores what follows the bytes that have arrived', () => {
  fc.assert(
    fc.property(hello, fc.nat({ max: 300 }), (wanted, count) => {
      const bytes = records(encode(wanted), [])
      const byteCount = Math.min(count, bytes.length)
      assert.deepEqual(
        readClientHello(bytes, undefined, byteCount),
        readClientHello(bytes.subarray(0, byteCount)),
      )
    }),
  )
})

test('returns a result for arbitrary bytes', () => {
  const valid = records(
    encode({ serverName: 'www.example.com', alpn: ['h2', 'x'], versions: [0x0304, 0x0303] }),
    [40],
  )
  const mutated = fc
    .array(fc.tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 8 })
    .map((edits) => {
      const bytes = valid.slice()
      for (const [at, value] of edits) bytes[at] = value
      return bytes
    })
  const soup = fc.uint8Array({ maxLength: 200 }).map((bytes) => Uint8Array.of(22, 3, 1, ...bytes))
  // fast-check prints the seed and path of a failure.
  fc.assert(
    fc.property(
      fc.oneof(mutated, soup, fc.uint8Array({ maxLength: 200 })),
      fc.nat(400),
      (bytes, bytesMax) => {
        const reading = readClientHello(bytes, bytesMax)
        if (reading.kind === 'need-more') {
          assert.ok(reading.bytesMin > bytes.length && reading.bytesMin <= bytesMax)
        }
      },
    ),
    { numRuns: RUNS },
  )
})
