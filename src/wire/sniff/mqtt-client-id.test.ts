/** The client identifier of an MQTT CONNECT packet. */
import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyText } from '../../../test/support/any-text.js'
import { MORE, NO } from './answer.js'
import { MQTT_CLIENT_ID_BYTES_MAX, mqttClientId } from './mqtt-client-id.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 20_000 : 500

const u16 = (value: number) => [value >> 8, value & 255]
const text16 = (bytes: Uint8Array) => [...u16(bytes.length), ...bytes]

function variable(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...variable(value >> 7)]
}

interface Connect {
  readonly name?: string
  readonly level?: number
  /** Version 5 only. */
  readonly properties?: Uint8Array
  readonly id: Uint8Array
  readonly rest?: Uint8Array
}

function connect({
  name = 'MQTT',
  level = 4,
  properties,
  id,
  rest = new Uint8Array(0),
}: Connect): Uint8Array {
  const body = [
    ...text16(Buffer.from(name)),
    level,
    2,
    ...u16(10),
    ...(properties === undefined ? [] : [...variable(properties.length), ...properties]),
    ...text16(id),
    ...rest,
  ]
  return Uint8Array.of(0x10, ...variable(body.length), ...body)
}

const idOf = (bytes: Uint8Array) => mqttClientId(bytes, 0, bytes.length)
const textId = (text: string) => idOf(connect({ id: Buffer.from(text) }))

test('reads the identifier of each version', () => {
  const id = Buffer.from('meter-1')
  for (const packet of [
    connect({ id }),
    connect({ id, level: 0x84 }),
    connect({ id, name: 'MQIsdp', level: 3 }),
    connect({ id, level: 5, properties: new Uint8Array(0) }),
    connect({ id, level: 5, properties: Uint8Array.of(0x11, 0, 0, 0, 10) }),
    connect({ id, level: 5, properties: new Uint8Array(3_000) }),
    connect({ id, rest: new Uint8Array(20_000) }),
  ])
    assert.equal(idOf(packet), 'meter-1')
})

test('every split is MORE until the identifier has ended', () => {
  const rest = Uint8Array.of(0, 1, 97)
  const properties = new Uint8Array(200)
  for (const packet of [
    connect({ id: Buffer.from('meter-1'), rest }),
    connect({ id: Buffer.from('meter-1'), rest, level: 5, properties }),
  ]) {
    const decidedAt = packet.length - rest.length
    for (let byteCount = 0; byteCount <= packet.length; byteCount++)
      assert.equal(
        mqttClientId(packet, 0, byteCount),
        byteCount < decidedAt ? MORE : 'meter-1',
        `${byteCount}`,
      )
  }
})

test('an identifier is well-formed UTF-8 of 1 to 256 bytes without control characters', () => {
  assert.equal(textId('z\u00e4hler \u{1f600}'), 'z\u00e4hler \u{1f600}')
  assert.equal(textId('\ufeffa'), '\ufeffa')
  assert.equal(textId('x'.repeat(256)), 'x'.repeat(256))
  for (const text of ['', 'a\0b', 'a\nb', 'a\u0085', 'x'.repeat(257)]) assert.equal(textId(text), NO, text)
  for (const id of [[0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80]])
    assert.equal(idOf(connect({ id: Uint8Array.from(id) })), NO, id.join())
})

test('reads nothing beyond the packet', () => {
  const packet = connect({ id: Buffer.from('meter-1') })
  packet[1] = 12 + 3
  assert.equal(idOf(packet), NO)
  const properties = connect({ id: Buffer.from('a'), level: 5, properties: new Uint8Array(5) })
  properties[12] = 100
  assert.equal(idOf(properties), NO)
})

test('gives up where the identifier begins or ends beyond 4,096 bytes', () => {
  const packetOf = (propertiesBytes: number) =>
    connect({ id: Buffer.from('meter-1'), level: 5, properties: new Uint8Array(propertiesBytes) })
  const overhead = packetOf(4_000).length - 4_000
  assert.equal(idOf(packetOf(MQTT_CLIENT_ID_BYTES_MAX - overhead)), 'meter-1')
  for (const more of [1, 7, 8, 9, 10, 1_000]) {
    const packet = packetOf(MQTT_CLIENT_ID_BYTES_MAX - overhead + more)
    assert.equal(idOf(packet), NO, `${more}`)
    assert.notEqual(mqttClientId(packet, 0, MQTT_CLIENT_ID_BYTES_MAX), MORE, `${more}`)
  }
})

test('answers are final, bounded texts for arbitrary bytes', () => {
  const packet = fc
    .record({
      id: fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        anyText().map((text) => Buffer.from(text)),
      ),
      level: fc.constantFrom(3, 4, 5, 0x85, 6),
      properties: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
      rest: fc.uint8Array({ maxLength: 10 }),
    })
    .map(({ properties, ...fields }) =>
      connect(properties === undefined ? fields : { ...fields, properties }),
    )
  const edit = fc.tuple(fc.nat(30), fc.nat(255))
  // fast-check prints the seed and path of a failure.
  fc.assert(
    fc.property(packet, fc.array(edit, { maxLength: 3 }), (bytes, edits) => {
      for (const [at, value] of edits) if (at < bytes.length) bytes[at] = value
      let before: string | number = MORE
      for (let byteCount = 0; byteCount <= bytes.length; byteCount++) {
        const now = mqttClientId(bytes, 0, byteCount)
        if (before !== MORE) assert.equal(now, before)
        before = now
      }
      if (typeof before === 'string') assert.match(before, /^[^\0-\x1f\x7f-\x9f]{1,256}$/)
    }),
    { numRuns: RUNS },
  )
})
