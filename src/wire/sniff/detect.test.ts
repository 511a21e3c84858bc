/** Which of several protocols wins, and when. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FIRST_BYTES } from '../../../test/support/first-bytes.js'
import { MORE, YES } from './answer.js'
import { detect, detectAtEnd, detectBytesMax, NO_PROTOCOL, SNIFFERS, UNDECIDED } from './detect.js'
import { PROTOCOL, PROTOCOL_NAMES, type ProtocolName } from './protocol-names.js'
import { latinBytes } from './read.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 20_000 : 2_000

const maskOf = (...names: ProtocolName[]) => names.reduce((mask, name) => mask | (1 << PROTOCOL[name]), 0)
const EVERY = maskOf(...PROTOCOL_NAMES)
const EVERY_BUT_ANY = EVERY & ~maskOf('any')

const nameOf = (protocol: number) =>
  protocol === NO_PROTOCOL ? 'none' : protocol === UNDECIDED ? 'undecided' : PROTOCOL_NAMES[protocol]
const detected = (bytes: Uint8Array, mask: number) => nameOf(detect(bytes, 0, bytes.length, mask))
const detectedAtEnd = (bytes: Uint8Array, mask: number) => nameOf(detectAtEnd(bytes, 0, bytes.length, mask))

const SAMPLES = Object.entries(FIRST_BYTES).flatMap(([name, samples]) =>
  samples.map((sample) => ({ name, ...sample })),
)

test('the numbers of protocols are their places in the list', () => {
  assert.deepEqual(Object.keys(PROTOCOL), PROTOCOL_NAMES)
  assert.deepEqual(Object.values(PROTOCOL), [...PROTOCOL_NAMES.keys()])
  assert.equal(SNIFFERS.length, PROTOCOL_NAMES.length)
})

for (const mask of [EVERY, EVERY_BUT_ANY]) {
  test(`detects every sample among all protocols ${mask === EVERY ? 'and any' : 'alone'}`, () => {
    for (const { name, from, bytes } of SAMPLES) assert.equal(detected(bytes, mask), name, from)
  })
}

test('detects nothing but the protocols that are asked for', () => {
  for (const { name, from, bytes } of SAMPLES) {
    const others = EVERY_BUT_ANY & ~maskOf(name as ProtocolName)
    assert.equal(detectedAtEnd(bytes, others), 'none', from)
    assert.equal(detectedAtEnd(bytes, others | maskOf('any')), 'any', from)
  }
  assert.equal(detected(latinBytes('SSH-2.0-x\r\n'), 0), 'none')
})

test('any waits until no other protocol can match', () => {
  const mask = maskOf('ssh', 'any')
  assert.equal(detected(latinBytes(''), mask), 'undecided')
  assert.equal(detected(latinBytes('SSH'), mask), 'undecided')
  assert.equal(detected(latinBytes('SSH-'), mask), 'ssh')
  assert.equal(detected(latinBytes('SSL'), mask), 'any')
  assert.equal(detectedAtEnd(latinBytes('SSH'), mask), 'any')
  assert.equal(detectedAtEnd(latinBytes(''), mask), 'any')
  assert.equal(detectedAtEnd(latinBytes('SSH'), maskOf('ssh')), 'none')
})

test('the more specific protocol decides', () => {
  const line = latinBytes('AUTH /x HTTP/1.1\r\n')
  assert.equal(detected(line, maskOf('redis')), 'redis')
  assert.equal(detected(line, maskOf('redis', 'http')), 'http')
  // A length of 5,635 bytes, and the content type and version of a record.
  const update = Uint8Array.of(0x16, 3, 0, 1, 0x28, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3)
  assert.equal(detected(update, maskOf('dns')), 'dns')
  assert.equal(detected(update, maskOf('tls', 'dns')), 'tls')
  const greeting = Uint8Array.of(5, 1, 0)
  assert.equal(detected(greeting, maskOf('dns')), 'undecided')
  assert.equal(detected(greeting, maskOf('socks', 'dns')), 'socks')
})

test('the limit of bytes is that of the protocol with the highest one', () => {
  assert.equal(detectBytesMax(0), 0)
  assert.equal(detectBytesMax(maskOf('any')), 0)
  assert.equal(detectBytesMax(maskOf('ssh', 'any')), 4)
  assert.equal(detectBytesMax(maskOf('ssh', 'http2')), 24)
  assert.equal(detectBytesMax(EVERY), 8_192)
})

test('detects arbitrary bytes within the limit, and finally', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc
      .tuple(fc.constantFrom(...SAMPLES), fc.nat(40), fc.uint8Array({ maxLength: 40 }))
      .map(([{ bytes }, kept, rest]) => Uint8Array.of(...bytes.subarray(0, kept), ...rest)),
  )
  // fast-check prints the seed and path of a failure.
  fc.assert(
    fc.property(bytes, fc.nat(EVERY), (bytes, mask) => {
      const limit = detectBytesMax(mask)
      let before = UNDECIDED
      for (let byteCount = 0; byteCount <= bytes.length; byteCount++) {
        const now = detect(bytes, 0, byteCount, mask)
        if (before !== UNDECIDED) assert.equal(now, before)
        if (byteCount >= limit) assert.notEqual(now, UNDECIDED)
        if (now !== UNDECIDED) assert.equal(detectAtEnd(bytes, 0, byteCount, mask), now)
        before = now
      }
      const answers = SNIFFERS.map(({ sniff }) => sniff(bytes, 0, bytes.length))
      const first = answers.findIndex((answer, at) => (mask & (1 << at)) !== 0 && answer >= MORE)
      assert.equal(before, first < 0 ? NO_PROTOCOL : answers[first] === YES ? first : UNDECIDED)
    }),
    { numRuns: RUNS },
  )
})
