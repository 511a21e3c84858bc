/** What holds for the plain opening of every protocol. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, atEveryByte, cutAt } from '../../../../test/support/cuts.js'
import { converse, OPENED_PROTOCOLS, OPENINGS } from '../../../../test/support/plain-openings.js'
import { proxySeed, runs } from '../../../../test/support/proxy-runs.js'
import { STARTTLS_NAMES } from '../../../base/starttls-names.js'
import { BYTES_BEHIND, OPENING_BYTES_MAX } from './plain-opening.js'
import { plainOpeningOf } from './plain-opening-of.js'

const latin = (text: string) => Buffer.from(text, 'latin1')

test('every protocol but MySQL has an opening', () => {
  assert.deepEqual(STARTTLS_NAMES.filter((name) => name !== 'mysql').sort(), [...OPENED_PROTOCOLS].sort())
})

for (const protocol of OPENED_PROTOCOLS) {
  const parts = OPENINGS[protocol].map(latin)
  const last = parts.at(-1) ?? latin('')
  const before = parts.slice(0, -1)

  test(`${protocol}: TLS begins after the request, wherever the input is split`, () => {
    const whole = converse(protocol, parts)
    assert.equal(whole.next, 'tls')
    const cuts = parts.map((part) => [...atEveryByte(part)])
    for (let i = 0; i < parts.length; i++) {
      for (const chunks of cuts[i] ?? []) {
        const got = converse(protocol, [...parts.slice(0, i), ...chunks, ...parts.slice(i + 1)])
        assert.deepEqual(got, whole)
      }
    }
  })

  test(`${protocol}: bytes behind the request are never taken as if they had come in TLS`, () => {
    for (const injected of [
      '\n',
      'x',
      '\x16\x03\x01',
      last.toString('latin1'),
      'RSET\r\nMAIL FROM:<a@b>\r\n',
    ]) {
      const { next, said, why } = converse(protocol, [...before, Buffer.concat([last, latin(injected)])])
      assert.deepEqual({ next, why }, { next: 'refuse', why: BYTES_BEHIND })
      assert.equal(said, converse(protocol, before).said, 'the request has no answer')
    }
  })

  test(`${protocol}: everything sent in plain is dropped, or TLS begins with it`, () => {
    const step = plainOpeningOf(protocol, 'relay.example', 'id-1').take(latin('\x16\x03\x01'), 3)
    if (step.next === 'tls') assert.deepEqual([protocol, step.taken], ['postgres', 0])
    else assert.equal(step.taken, 3)
  })

  test(`${protocol}: endless input is refused`, () => {
    for (const filler of [
      'a',
      '\r\n',
      ' ',
      '<a b="',
      '\x30\x84\x00\x00\xff\xff',
      '\0\0\x0f\xff',
      'NOOP\r\n',
      'a NOOP\r\n',
    ]) {
      const chunk = latin(filler)
      let bytes = 0
      const opening = plainOpeningOf(protocol, 'relay.example', 'id-1')
      let next: string = 'go-on'
      while (next === 'go-on' && bytes <= OPENING_BYTES_MAX) {
        next = opening.take(chunk, chunk.length).next
        bytes += chunk.length
      }
      assert.equal(next, 'refuse', filler)
    }
  })

  test(`${protocol}: openings with mutations end in every split as in one, and never in TLS with bytes behind`, () => {
    const seed = proxySeed()
    console.log(`seed ${seed}`)
    const text = Buffer.concat(parts)
    const mutated = fc
      .array(
        fc.record({
          at: fc.nat({ max: text.length - 1 }),
          byte: fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(...latin('\r\n <>\'"/={}\0'))),
          kind: fc.constantFrom('set', 'insert', 'remove'),
        }),
        { maxLength: 4 },
      )
      .map((changes) => {
        const bytes = [...text]
        for (const { at, byte, kind } of changes) {
          bytes.splice(at, kind === 'insert' ? 0 : 1, ...(kind === 'remove' ? [] : [byte]))
        }
        return Uint8Array.from(bytes)
      })
    fc.assert(
      fc.property(fc.oneof(mutated, fc.uint8Array({ maxLength: 300 })), anyCuts, (bytes, cuts) => {
        const chunks = cutAt(bytes, cuts).filter(({ length }) => length > 0)
        const got = converse(protocol, chunks)
        // Single bytes never have any behind the request.
        const single = converse(
          protocol,
          [...bytes].map((byte) => Uint8Array.of(byte)),
        )
        if (got.next === 'tls') {
          assert.deepEqual(got, single)
          let end = 0
          const ends = chunks.map(({ length }) => {
            end += length
            return end
          })
          assert.ok(ends.includes(got.taken) || got.taken === 0, 'TLS begins between two chunks')
        } else if (got.why !== BYTES_BEHIND) {
          assert.deepEqual([got.next, got.said], [single.next, single.said])
        }
      }),
      { seed, numRuns: runs(2_000) },
    )
  })
}
