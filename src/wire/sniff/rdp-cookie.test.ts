/** The user and the routing token of an RDP connection request. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FIRST_BYTES, rdpRequest } from '../../../test/support/first-bytes.js'
import { MORE, NO } from './answer.js'
import { RDP_REQUEST_BYTES_MAX } from './rdp.js'
import { rdpRoutingToken } from './rdp-routing-token.js'
import { rdpUser } from './rdp-user.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 20_000 : 1_000

const userOf = (variable: string) => rdpUser(rdpRequest(variable), 0, 11 + variable.length)
const tokenOf = (variable: string) => rdpRoutingToken(rdpRequest(variable), 0, 11 + variable.length)

const NEGOTIATION = '\x01\0\x08\0\x03\0\0\0'

test('reads the user of the cookie', () => {
  assert.equal(userOf(`Cookie: mstshash=eltons\r\n${NEGOTIATION}`), 'eltons')
  assert.equal(userOf('Cookie: mstshash=CORP\\Jo\xe9 x\r\n'), 'CORP\\Jo\xe9 x')
  for (const variable of [
    '',
    NEGOTIATION,
    'Cookie: mstshash=\r\n',
    'Cookie: mstshash=a',
    'Cookie: mstshash=a\n',
    'Cookie: mstshash=a\rb\r\n',
    'Cookie: mstshash=a\0b\r\n',
    'Cookie: msts=1.2.0000\r\n',
    'mstshash=a\r\n',
    'cookie: mstshash=a\r\n',
    '\r\n',
  ])
    assert.equal(userOf(variable), NO, JSON.stringify(variable))
})

test('reads routing tokens of both forms', () => {
  assert.equal(tokenOf(`Cookie: msts=3640205228.15629.0000\r\n${NEGOTIATION}`), '3640205228.15629.0000')
  assert.equal(
    tokenOf('tsv://MS Terminal Services Plugin.1.Farm\r\n'),
    'tsv://MS Terminal Services Plugin.1.Farm',
  )
  for (const variable of [
    '',
    NEGOTIATION,
    'Cookie: mstshash=eltons\r\n',
    'Cookie: msts=\r\n',
    'Cookie: x=1\r\n',
    'tsv://a',
    '\r\n',
  ])
    assert.equal(tokenOf(variable), NO, JSON.stringify(variable))
})

test('every split is MORE until the line has ended', () => {
  const bytes = rdpRequest(`Cookie: mstshash=eltons\r\n${NEGOTIATION}`)
  const lineEnd = 11 + 'Cookie: mstshash=eltons\r\n'.length
  for (let byteCount = 0; byteCount <= bytes.length; byteCount++)
    assert.equal(rdpUser(bytes, 0, byteCount), byteCount < lineEnd ? MORE : 'eltons', `${byteCount}`)
})

test('reads nothing beyond the request', () => {
  const bytes = Uint8Array.of(...rdpRequest('Cookie: mstshash=a'), 13, 10)
  assert.equal(rdpUser(bytes, 0, bytes.length), NO)
})

test('answers are final, bounded texts for arbitrary bytes', () => {
  const [first] = FIRST_BYTES.rdp
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 248 }),
    fc
      .tuple(
        fc.constantFrom('Cookie: mstshash=', 'Cookie: msts=', 'Cookie: ', ''),
        fc.uint8Array({ maxLength: 100 }),
      )
      .map(([prefix, rest]) => Uint8Array.of(...Buffer.from(prefix), ...rest, 13, 10)),
  )
  // fast-check prints the seed and path of a failure.
  fc.assert(
    fc.property(
      fc.oneof(
        line.map((bytes) => rdpRequest(Buffer.from(bytes).toString('latin1'))),
        fc.constant(first?.bytes ?? new Uint8Array(0)),
      ),
      (bytes) => {
        for (const extract of [rdpUser, rdpRoutingToken]) {
          let before: string | number = MORE
          for (let byteCount = 0; byteCount <= bytes.length; byteCount++) {
            const now = extract(bytes, 0, byteCount)
            if (before !== MORE) assert.equal(now, before)
            before = now
          }
          assert.notEqual(before, MORE)
          if (typeof before === 'string') assert.match(before, /^[^\0-\x1f\x7f]{1,246}$/)
        }
      },
    ),
    { numRuns: RUNS },
  )
  assert.equal(RDP_REQUEST_BYTES_MAX - 11 - 2, 246)
})
