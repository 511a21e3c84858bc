/** TLS is detected by the same rules as in the parser of the ClientHello. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FIRST_BYTES } from '../../../test/support/first-bytes.js'
import { type HelloReading, readClientHello } from '../client-hello.js'
import { NO, YES } from './answer.js'
import { sniffTls, TLS_BYTES_MAX } from './tls.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 50_000 : 5_000

function assertSame(bytes: Uint8Array, { kind }: HelloReading): void {
  const answer = sniffTls(bytes, 0, bytes.length)
  const text = `${bytes.join()}: ${answer}, ${kind}`
  assert.equal(answer === NO, kind === 'not-tls', text)
  if (bytes.length >= TLS_BYTES_MAX) assert.equal(answer === YES, kind !== 'not-tls', text)
}

test('the sample is a ClientHello', () => {
  const reading = readClientHello(FIRST_BYTES.tls[0]?.bytes ?? new Uint8Array(0))
  assert.ok(reading.kind === 'hello' && reading.hello.serverName === 'server', reading.kind)
})

test('agrees with the parser of the ClientHello on every first two bytes', () => {
  for (let first = 0; first < 256; first++) {
    assertSame(Uint8Array.of(first), readClientHello(Uint8Array.of(first)))
    for (let second = 0; second < 256; second++) {
      const bytes = Uint8Array.of(first, second)
      assertSame(bytes, readClientHello(bytes))
    }
  }
})

test('agrees with the parser of the ClientHello on arbitrary bytes', () => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 20, 21, 22, 23, 24, 0x80), fc.nat(255))
  // fast-check prints the seed and path of a failure.
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 12 }), (values) => {
      const bytes = Uint8Array.from(values)
      assertSame(bytes, readClientHello(bytes))
    }),
    { numRuns: RUNS },
  )
})
