import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Chance } from '../../test/simulation/chance.js'
import { calls } from '../../test/support/sockets.js'
import { channels, client, scratch, server } from '../../test/support/tls-pair.js'
import { readClientHello } from '../wire/client-hello.js'
import { WANT_READ } from './outcomes.js'

const RUNS = process.env.TCPRELAY_TESTS === 'full' ? 5_000 : 250

const NAME = 'www.example.com'

const u16 = (value: number) => [(value >> 8) & 255, value & 255]
const u24 = (value: number) => [value >> 16, ...u16(value)]
const record = (type: number, version: number, body: readonly number[]) => [
  type,
  ...u16(version),
  ...u16(body.length),
  ...body,
]

/** A ClientHello message of OpenSSL, and the offset of its extensions. */
function helloOf(to: ReturnType<typeof client>, from: ReturnType<typeof server>) {
  const pair = channels(from, to)
  pair.client.handshake()
  const length = calls.recv(pair.fds.far, scratch, 0, scratch.byteLength)
  const message = [...scratch.bytes.slice(5, length)]
  pair.close()
  const at = (index: number) => message[index] as number
  let extensions = 4 + 2 + 32
  extensions += 1 + at(extensions)
  extensions += 2 + at(extensions) * 256 + at(extensions + 1)
  extensions += 1 + at(extensions)
  return { message, extensions }
}

/** The message with further extensions after or before the others. */
function withExtensions(
  { message, extensions }: ReturnType<typeof helloOf>,
  more: readonly number[],
  isFirst: boolean,
): number[] {
  const before = message.slice(extensions + 2)
  const all = isFirst ? [...more, ...before] : [...before, ...more]
  const body = [...message.slice(4, extensions), ...u16(all.length), ...all]
  return [1, ...u24(body.length), ...body]
}

/** Splits the message into records as a hostile client could. */
function inRecords(chance: Chance, message: readonly number[]): number[] {
  const isOdd = chance.is(0.3)
  const sizeMax = chance.pick([message.length > 2_000 ? 900 : 3, 50, 900, 16_384, 16_385])
  const bytes: number[] = []
  for (let at = 0; at < message.length; ) {
    if (chance.is(0.05))
      bytes.push(
        ...Array(chance.between(1, 34))
          .fill(record(22, 0x0301, []))
          .flat(),
      )
    if (isOdd && chance.is(0.1))
      bytes.push(
        ...record(
          chance.pick([20, 21, 23, 24]),
          chance.pick([0x0301, 0x0303, 0x0200]),
          chance.pick([[], [1], [1, 90]]),
        ),
      )
    const size = chance.is(0.5) ? sizeMax : chance.between(1, sizeMax)
    const version = isOdd && chance.is(0.1) ? chance.between(0, 0xffff) : chance.between(0x0300, 0x03ff)
    bytes.push(...record(22, version, message.slice(at, at + size)))
    at += size
  }
  return bytes
}

/** OpenSSL's result: whether it accepted the whole message, and the server name that it parsed. */
function askOpenSsl(
  to: ReturnType<typeof client>,
  from: ReturnType<typeof server>,
  bytes: Uint8Array,
): { readonly isTaken: boolean; readonly name: string | undefined } {
  const pair = channels(from, to)
  let outcome = WANT_READ
  for (let at = 0; at < bytes.length && outcome === WANT_READ; ) {
    const part = bytes.subarray(at, at + scratch.byteLength)
    scratch.bytes.set(part)
    const sent = calls.send(pair.fds.near, scratch, 0, part.length)
    assert.ok(sent > 0)
    at += sent
    outcome = pair.server.handshake()
  }
  const name = pair.server.facts().serverName
  // OpenSSL replied, so the ClientHello was complete, and it waits for the next flight.
  const isTaken = outcome === WANT_READ && calls.recv(pair.fds.near, scratch, 0, 1) > 0
  pair.close()
  return { isTaken, name }
}

test('for any split into records: either agrees with OpenSSL, or is unreadable, never not-tls', () => {
  const seed = Date.now() >>> 0
  const chance = new Chance(seed)
  const from = server({ alpn: ['h2', 'http/1.1'] })
  const to = client({ serverName: NAME, alpn: ['http/1.1', 'h2'], verify: false })
  const hello = helloOf(to, from)
  const counts = { read: 0, refused: 0, taken: 0 }
  for (let run = 0; run < RUNS; run++) {
    const filler = chance.is(0.3) ? chance.pick([10, 5_000, 20_000, 60_000]) : 0
    const grease = chance.is(0.5) ? [0x0a, 0x0a, 0, 0] : []
    const more = [...grease, ...(filler === 0 ? [] : [0x77, 0x77, ...u16(filler), ...Array(filler).fill(0)])]
    const bytes = Uint8Array.from(inRecords(chance, withExtensions(hello, more, chance.is(0.5))))
    const reading = readClientHello(bytes)
    const { isTaken, name } = askOpenSsl(to, from, bytes)
    const where = `seed ${seed}, run ${run}: ${reading.kind}, OpenSSL: ${isTaken} ${name}`
    assert.ok(reading.kind !== 'need-more', where)
    if (isTaken) assert.notEqual(reading.kind, 'not-tls', where)
    if (reading.kind === 'hello') {
      counts.read++
      assert.equal(reading.hello.serverName, NAME, where)
    } else counts.refused++
    if (isTaken) {
      counts.taken++
      assert.equal(name, NAME, where)
    }
  }
  assert.ok(
    Math.min(counts.read, counts.refused, counts.taken) > RUNS / 20,
    `${seed}: ${JSON.stringify(counts)}`,
  )
  from.retire()
  to.retire()
})

test('reads what real clients send and OpenSSL accepts', () => {
  const from = server({ alpn: ['h2'] })
  const to = client({ serverName: NAME, alpn: ['h2'], verify: false })
  const hello = helloOf(to, from)
  for (const [version, filler, size] of [
    [0x0300, 10, 16_384],
    [0x0305, 10, 16_384],
    [0x03ff, 17_000, 16_384],
    [0x0301, 60_000, 16_384],
    [0x0301, 60_000, 300],
    [0x0301, 10, 1],
  ] as const) {
    const message = withExtensions(hello, [0x77, 0x77, ...u16(filler), ...Array(filler).fill(0)], true)
    const bytes: number[] = record(22, version, [])
    for (let at = 0; at < message.length; at += size)
      bytes.push(...record(22, version, message.slice(at, at + size)))
    const reading = readClientHello(Uint8Array.from(bytes))
    assert.ok(reading.kind === 'hello' && reading.hello.serverName === NAME, `${version} ${filler} ${size}`)
    assert.deepEqual(askOpenSsl(to, from, Uint8Array.from(bytes)), { isTaken: true, name: NAME })
  }
  from.retire()
  to.retire()
})
