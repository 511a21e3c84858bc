import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type ClientHello, readClientHello } from './client-hello.js'

/** Whatever the bytes: an answer, soon. */
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

/** The handshake message, with its head. */
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

/** As records of these sizes, the last one repeated. */
function records(message: readonly number[], sizes: readonly number[]): Uint8Array {
  const bytes: number[] = []
  for (let at = 0, i = 0; at < message.length; i++) {
    const size = sizes[Math.min(i, sizes.length - 1)] ?? message.length
    const part = message.slice(at, at + size)
    bytes.push(22, 3, 1, ...vector16(part))
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

test('a hello is read, in one record or in many, and nothing behind it matters', () => {
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

test('every beginning of a hello wants more, and never more than there is', () => {
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

test('following its wish for more takes few steps', () => {
  const bytes = records(encode({ serverName: 'a.example', alpn: ['h2'], versions: [0x0304] }), [])
  const steps: number[] = []
  for (let reading = readClientHello(bytes.subarray(0, 0)); reading.kind === 'need-more'; ) {
    steps.push(reading.bytesMin)
    reading = readClientHello(bytes.subarray(0, reading.bytesMin))
  }
  assert.equal(steps.at(-1), bytes.length)
  assert.ok(steps.length <= 4, steps.join())
})

test('a hello without extensions offers its legacy version', () => {
  const reading = readClientHello(records(helloMessage(undefined, 0x0301), []))
  assert.deepEqual(reading, { kind: 'hello', hello: { serverName: undefined, alpn: [], versions: [0x0301] } })
})

test('what is no hello is told apart at its first byte', () => {
  for (const text of [
    'GET / HTTP/1.1\r\n',
    'SSH-2.0-x',
    '\x80\x2e\x01\x00\x02',
    '\x16\x02',
    '\x16\x03\x09',
    '\x15\x03\x01',
  ])
    assert.equal(readClientHello(Uint8Array.from(latin(text))).kind, 'not-tls', text)
  // A handshake record with another message, without content, with too much of it.
  for (const bytes of [
    [22, 3, 1, 0, 4, 2, 0, 0, 0],
    [22, 3, 1, 0, 0],
    [22, 3, 1, 0x40, 1],
    [22, 3, 1, 0x41],
  ])
    assert.equal(readClientHello(Uint8Array.from(bytes)).kind, 'not-tls', bytes.join())
})

test('a hello beyond the limit is not waited for', () => {
  assert.equal(readClientHello(Uint8Array.of(22, 3, 1, 0x3f, 0xff, 1, 1, 0, 0)).kind, 'too-long')
  const bytes = records(encode({ serverName: 'a', alpn: [], versions: [1] }), [1])
  assert.equal(readClientHello(bytes.subarray(0, 300), 300).kind, 'too-long')
  assert.equal(readClientHello(bytes, bytes.length).kind, 'hello')
})

test('a hello that can be understood in two ways is none', () => {
  const broken: Record<string, readonly number[]> = {
    'two server names': [...serverNameExtension('a'), ...serverNameExtension('b')],
    'two names in one list': extension(0, vector16([0, ...vector16([97]), 0, ...vector16([98])])),
    'a name of another kind': extension(0, vector16([1, ...vector16([97])])),
    'an empty name': serverNameExtension(''),
    'a name with a NUL': serverNameExtension('a\0b'),
    'a name of 256 bytes': serverNameExtension('a'.repeat(256)),
    'bytes behind the name': extension(0, [...vector16([0, ...vector16([97])]), 1]),
    'an empty protocol': extension(16, vector16([0])),
    'no protocol': extension(16, vector16([])),
    'a protocol that is cut': extension(16, vector16([3, 97])),
    'half a version': extension(43, vector8([3])),
    'an extension that is cut': [0, 0, 0, 9, 1],
  }
  for (const [what, extensions] of Object.entries(broken))
    assert.equal(readClientHello(records(helloMessage(extensions), [])).kind, 'not-tls', what)
})

test('any bytes get an answer', () => {
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
  // A failure prints the seed and the path to it.
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
