import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { INCOMPLETE, isEncryptionRequest, withoutChannelBinding } from './postgres-messages.js'

// Of this run; a failure is repeated with it.
const { TCPRELAY_TESTS, TCPRELAY_TEST_SEED } = process.env
const seed = Number(TCPRELAY_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const numRuns = TCPRELAY_TESTS === 'full' ? 50_000 : 1_000

const PLUS = 'SCRAM-SHA-256-PLUS'

function message(type: string, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5)
  head.write(type)
  head.writeUInt32BE(content.length + 4, 1)
  return Buffer.concat([head, content])
}

function offer(methods: readonly string[]): Buffer {
  const list = [...methods, ''].map((method) => `${method}\0`).join('')
  return message('R', Buffer.from(`\0\0\0\x0a${list}`, 'latin1'))
}

/** What goes on of these bytes, with other bytes around them that must not change; undefined: more are needed. */
function rewritten(bytes: Uint8Array): Buffer | undefined {
  const padded = Buffer.concat([Buffer.from('xx'), bytes, Buffer.from('yyy')])
  const end = withoutChannelBinding(padded, 2, 2 + bytes.length)
  assert.equal(padded.toString('latin1', 0, 2), 'xx')
  assert.equal(padded.toString('latin1', 2 + bytes.length), 'yyy')
  if (end === INCOMPLETE) {
    assert.deepEqual(
      padded.subarray(2, 2 + bytes.length),
      Buffer.from(bytes),
      'not changed before it is complete',
    )
    return undefined
  }
  assert.ok(end >= 2 && end <= 2 + bytes.length)
  return padded.subarray(2, end)
}

const anyMethod = fc.constantFrom(PLUS, 'SCRAM-SHA-256', 'SCRAM-SHA-1', 'OAUTHBEARER', 'X')
const anyBytes = fc.uint8Array({ maxLength: 40 })

test(`the method with channel binding is removed, and nothing else (seed ${seed})`, () => {
  const methods = fc.uniqueArray(anyMethod)
  const before = fc.array(anyBytes, { maxLength: 2 })
  fc.assert(
    fc.property(methods, before, anyBytes, fc.nat(200), (offered, versions, rest, cut) => {
      const head = Buffer.concat(versions.map((content) => message('v', content)))
      const whole = Buffer.concat([head, offer(offered), rest])
      const less = offer(offered.filter((method) => method !== PLUS))
      assert.deepEqual(rewritten(whole), Buffer.concat([head, less, rest]))
      const needed = head.length + offer(offered).length
      assert.equal(rewritten(whole.subarray(0, cut % needed)), undefined)
    }),
    { seed, numRuns },
  )
})

test(`any bytes are read within their bounds (seed ${seed})`, () => {
  const type = fc.constantFrom('R', 'v', 'E', 'S')
  const length = fc.oneof(fc.nat(60), fc.nat(2 ** 31))
  fc.assert(
    fc.property(type, length, anyBytes, anyBytes, (first, stated, content, rest) => {
      const head = message(first, content)
      head.writeUInt32BE(stated, 1)
      const bytes = Buffer.concat([head, rest])
      const after = rewritten(bytes)
      if (after !== undefined) assert.ok([0, PLUS.length + 1].includes(bytes.length - after.length))
      const asked = isEncryptionRequest(bytes, 0, bytes.length)
      assert.equal(asked, false)
    }),
    { seed, numRuns },
  )
})

test('lengths that no message has are passed on', () => {
  for (const length of [0, 1, 3, 4, 7, 0x7fff_ffff, 0xffff_ffff]) {
    const bytes = offer([PLUS])
    bytes.writeUInt32BE(length, 1)
    const after = rewritten(bytes)
    assert.deepEqual(after ?? bytes, bytes, `${length}`)
  }
})

test('requests for encryption, and what is none', () => {
  const asked = (text: string) => isEncryptionRequest(Buffer.from(text, 'latin1'), 0, text.length)
  for (const request of ['\0\0\0\x08\x04\xd2\x16\x2f', '\0\0\0\x08\x04\xd2\x16\x30']) {
    assert.equal(asked(request), true)
    assert.equal(asked(`${request}more`), true)
    for (let length = 0; length < request.length; length++)
      assert.equal(asked(request.slice(0, length)), undefined)
  }
  for (const other of ['\0\0\0\x08\x04\xd2\x16\x2e', '\0\0\0\x10\x04\xd2\x16\x2f', 'G', '\0\0\0\x09'])
    assert.equal(asked(other), false)
})
