import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeEvidence, encodeEvidence } from './remote-evidence.js'

const text = fc.string().map((text) => text.replaceAll('\0', ''))
const time = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((ms) => !Object.is(ms, -0))

test('decodes what was encoded', () => {
  const parts = { name: text, isUp: fc.boolean(), startedMs: time, atMs: time, why: text }
  const evidence = fc.record(parts, { noNullPrototype: true })
  fc.assert(fc.property(evidence, (seen) => assert.deepEqual(decodeEvidence(encodeEvidence(seen)), seen)))
})

test('decodes arbitrary text to evidence or undefined', () => {
  const parts = fc.array(fc.oneof(fc.string(), fc.constantFrom('up', 'down', '1', 'NaN', 'Infinity')))
  fc.assert(
    fc.property(parts, (words) => {
      const evidence = decodeEvidence(words.join('\0'))
      if (evidence !== undefined) assert.ok(Number.isFinite(evidence.atMs + 0) && words.length >= 5)
    }),
  )
  for (const wrong of [
    '',
    'up',
    'up\x001\x002\0a',
    'up\x001\x002\0a\0b\0c',
    'UP\x001\x002\0a\0',
    'up\0x\x002\0a\0',
  ])
    assert.equal(decodeEvidence(wrong), undefined)
})
