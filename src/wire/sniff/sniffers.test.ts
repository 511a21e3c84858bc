/** What all sniffers have in common: final answers, bounds, and that each rejects the clients of the others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FIRST_BYTES } from '../../../test/support/first-bytes.js'
import { type Answer, MORE, NO, type Sniff, YES } from './answer.js'
import { SNIFFERS } from './detect.js'
import { PROTOCOL, type ProtocolName } from './protocol-names.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 20_000 : 300

const NAMED = Object.entries(FIRST_BYTES) as [Exclude<ProtocolName, 'any'>, (typeof FIRST_BYTES)['tls']][]
const SAMPLES = NAMED.flatMap(([, samples]) => samples.map(({ bytes }) => bytes))

function snifferOf(name: ProtocolName) {
  const sniffer = SNIFFERS[PROTOCOL[name]]
  assert.ok(sniffer !== undefined, name)
  return sniffer
}

/** Reads that are not within the bytes fail. The bytes lie in the middle of an array. */
function sniffGuarded(sniff: Sniff, bytes: Uint8Array, byteCount: number): Answer {
  const from = 3
  const guarded = new Proxy(bytes, {
    get(target, key) {
      const at = Number(String(key)) - from
      assert.ok(Number.isInteger(at) && at >= 0 && at < byteCount, `read of ${String(key)}`)
      return target[at]
    },
  })
  return sniff(guarded, from, byteCount)
}

/** The answers to every prefix. */
const answersTo = (sniff: Sniff, bytes: Uint8Array): Answer[] =>
  Array.from({ length: bytes.length + 1 }, (_, byteCount) => sniffGuarded(sniff, bytes, byteCount))

for (const [name, samples] of NAMED) {
  const { sniff, bytesMax } = snifferOf(name)

  test(`${name}: every sample is MORE up to a length, then YES`, () => {
    for (const { from, bytes } of samples) {
      const answers = answersTo(sniff, bytes)
      const decidedAt = answers.indexOf(YES)
      assert.ok(decidedAt > 0 && decidedAt <= bytesMax, `${from}: ${answers}`)
      const wanted = answers.map((_, byteCount) => (byteCount < decidedAt ? MORE : YES))
      assert.deepEqual(answers, wanted, from)
    }
  })

  test(`${name}: answers are final and come within ${bytesMax} bytes`, () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      mutated(samples.map((sample) => sample.bytes)),
      mutated(SAMPLES),
      repeated(samples.map((sample) => sample.bytes)),
    )
    // fast-check prints the seed and path of a failure.
    fc.assert(
      fc.property(bytes, (bytes) => {
        const answers = answersTo(sniff, bytes)
        const decidedAt = answers.findIndex((answer) => answer !== MORE)
        if (decidedAt >= 0) assert.deepEqual(new Set(answers.slice(decidedAt)), new Set([answers[decidedAt]]))
        assert.ok(!answers.slice(bytesMax).includes(MORE), `${answers}`)
      }),
      { numRuns: RUNS },
    )
  })

  test(`${name}: decides within ${bytesMax} bytes, also if a byte repeats without end`, () => {
    for (const { bytes } of samples) {
      for (let at = 0; at <= bytes.length; at++) {
        for (const filler of [0, 1, 0x20, 0x41, 0xff]) {
          const endless = new Uint8Array(bytesMax).fill(filler)
          endless.set(bytes.subarray(0, Math.min(at, bytesMax)))
          assert.notEqual(sniff(endless, 0, bytesMax), MORE, `${at} bytes, then ${filler}`)
        }
      }
    }
  })
}

/** Samples with some bytes changed. */
function mutated(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const edit = fc.tuple(fc.nat(30), fc.oneof(fc.constantFrom(0, 1, 10, 13, 32, 255), fc.nat(255)))
  return fc.tuple(fc.constantFrom(...samples), fc.array(edit, { maxLength: 4 })).map(([sample, edits]) => {
    const bytes = Uint8Array.from(sample.subarray(0, 120))
    for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value
    return bytes
  })
}

/** A prefix of a sample with one byte repeated, for texts and numbers of any length. */
function repeated(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  return fc
    .tuple(fc.constantFrom(...samples), fc.nat(30), fc.nat(300), fc.uint8Array({ maxLength: 12 }))
    .map(([sample, kept, count, rest]) => {
      const head = sample.subarray(0, kept)
      return Uint8Array.of(...head, ...Array(count).fill(head.at(-1) ?? 0), ...rest)
    })
}

/**
 * Samples of one protocol that another cannot exclude. The shortest greeting of SOCKS 5 has three bytes, in which DNS
 * has no more than length and half an id. The client waits after them, so SOCKS is asked first.
 */
const EXCEPTIONS = ['socks, version 5 (RFC 1928, section 3): dns MORE']

test('samples of one protocol are NO for all others', () => {
  const found = NAMED.flatMap(([name, samples]) =>
    samples.flatMap(({ from, bytes }) =>
      NAMED.filter(([other]) => other !== name).flatMap(([other]) => {
        const answer = snifferOf(other).sniff(bytes, 0, bytes.length)
        return answer === NO ? [] : [`${name}, ${from}: ${other} ${answer === MORE ? 'MORE' : 'YES'}`]
      }),
    ),
  )
  assert.deepEqual(found, EXCEPTIONS)
})

test('no bytes are MORE for every protocol but any', () => {
  for (const [name] of NAMED) assert.equal(snifferOf(name).sniff(new Uint8Array(0), 0, 0), MORE, name)
  assert.equal(snifferOf('any').sniff(new Uint8Array(0), 0, 0), YES)
})
