import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyCuts, cutAt } from '../../../test/support/cuts.js'
import { MysqlLogin } from './mysql-login.js'

// Of this run; a failure is repeated with it.
const { TCPRELAY_TESTS, TCPRELAY_TEST_SEED } = process.env
const seed = Number(TCPRELAY_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))
const numRuns = TCPRELAY_TESTS === 'full' ? 50_000 : 1_000

function packet(number: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(4)
  head.writeUIntLE(payload.length, 0, 3)
  head[3] = number
  return Buffer.concat([head, payload])
}

/** Rewrites a stream in these parts; bytes of incomplete headers wait for the next one. */
function rewritten(
  rewrite: (bytes: Uint8Array, start: number, end: number) => number,
  parts: readonly Uint8Array[],
) {
  let waiting = Buffer.alloc(0)
  const passed: Buffer[] = []
  for (const part of parts) {
    const bytes = Buffer.concat([Buffer.from('x'), waiting, part, Buffer.from('yy')])
    const [start, limit] = [1, bytes.length - 2]
    const end = rewrite(bytes, start, limit)
    assert.ok(end >= start && end <= limit)
    assert.equal(`${bytes.toString('latin1', 0, 1)}${bytes.toString('latin1', limit)}`, 'xyy')
    passed.push(bytes.subarray(start, end))
    waiting = bytes.subarray(end, limit)
  }
  assert.ok(waiting.length <= 5)
  return Buffer.concat([...passed, waiting])
}

const anyPayload = fc.uint8Array({ maxLength: 30 })
const anyLogin = fc.uint8Array({ minLength: 32, maxLength: 60 })

test(`the client's packets of a login get the next numbers, and its login the bit of TLS (seed ${seed})`, () => {
  fc.assert(
    fc.property(anyLogin, fc.array(anyPayload, { maxLength: 4 }), anyCuts, (login, more, cuts) => {
      const packets = [login, ...more]
      const stream = Buffer.concat(packets.map((payload, i) => packet(1 + 2 * i, payload)))
      const withTls = Uint8Array.from(login, (byte, i) => (i === 1 ? byte | 0x08 : byte))
      const expected = [withTls, ...more].map((payload, i) => packet(2 + 2 * i, payload))
      const machine = new MysqlLogin()
      const actual = rewritten((...args) => machine.toServer(...args), cutAt(stream, cuts))
      assert.deepEqual(actual, Buffer.concat(expected))
    }),
    { seed, numRuns },
  )
})

test(`those of the server get the numbers before, up to the result (seed ${seed})`, () => {
  const anyData = anyPayload.filter(([type = 1]) => type !== 0 && type !== 0xff)
  const anyResult = fc.tuple(fc.constantFrom(0, 0xff), anyPayload).map(([type, rest]) => [type, ...rest])
  fc.assert(
    fc.property(
      fc.array(anyData, { maxLength: 4 }),
      anyResult,
      anyPayload,
      anyCuts,
      (data, result, rest, cuts) => {
        const packets = [...data, Uint8Array.from(result)]
        const numbered = (first: number) =>
          packets.map((payload, i) => packet((first + 2 * i) & 0xff, payload))
        const machine = new MysqlLogin()
        const stream = Buffer.concat([...numbered(3), rest])
        const actual = rewritten((...args) => machine.toClient(...args), cutAt(stream, cuts))
        assert.deepEqual(actual, Buffer.concat([...numbered(2), rest]))
        assert.equal(machine.isOver, true)
        const command = packet(0, Uint8Array.of(3))
        assert.deepEqual(
          rewritten((...args) => machine.toServer(...args), [command]),
          command,
        )
      },
    ),
    { seed, numRuns },
  )
})

test('a number of 255 is followed by 0', () => {
  const machine = new MysqlLogin()
  assert.equal(rewritten((...args) => machine.toServer(...args), [packet(255, new Uint8Array(40))])[3], 0)
  assert.equal(rewritten((...args) => machine.toClient(...args), [packet(0, Uint8Array.of(1))])[3], 255)
})
