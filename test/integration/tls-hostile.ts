import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { waitsWithoutCpu } from '../harness/proc.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, localhost, servedWith } from '../harness/tls.js'
import { until, within } from '../harness/until.js'

/** Minimum of clients per second: the timeout is longer than all of them need, so that they overlap. */
const VISITORS_PER_SECOND = 1_500

const LINE = /TLS with \S+ failed: (.*?)(?: \((\d+) similar suppressed\))?$/

const RESETS = 'a client that resets'

type Kind = 'plaintext' | 'garbage' | 'a partial hello' | 'an endless hello' | typeof RESETS

/** The start of a TLS record with a ClientHello of 508 bytes, most of which never comes. */
const HALF_HELLO = Buffer.from('160301020001 0001fc 0303 00112233'.replaceAll(' ', ''), 'hex')

/** Announces in its first record 16 MiB, which OpenSSL rejects. */
const ENDLESS_HELLO = Buffer.concat([Buffer.from('160301400001ffffff', 'hex'), Buffer.alloc(16_380)])

const SAID: Readonly<Record<Kind, () => Buffer>> = {
  plaintext: () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
  // The first byte is never that of a handshake.
  garbage: () => Buffer.concat([Buffer.of(0x80), randomBytes(3_000)]),
  'a partial hello': () => HALF_HELLO,
  'an endless hello': () => ENDLESS_HELLO,
  [RESETS]: () => Buffer.alloc(0),
}

/** `count` clients of each kind, all at once; afterwards nothing is left of them. */
export function hostileTests(count: number): void {
  test(`a TLS port survives ${count} of each kind of hostile client at once`, async (t) => {
    const kinds = Object.keys(SAID) as Kind[]
    const timeoutS = Math.ceil((count * kinds.length) / VISITORS_PER_SECOND)
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote)
      .with(servedWith(localhost(t)), `tls handshake timeout = ${timeoutS}`)
      .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
      .start(t)
    const crowd = Array.from({ length: count * kinds.length }, (_, i) => {
      return visit(t, relay.port(), kinds[i % kinds.length] as Kind)
    })
    const startedMs = performance.now()
    const spokenMs = await Promise.all(crowd)
    await relay.isIdle()
    assert.equal(remote.acceptedCount, 0, 'no client reached the remote')
    // On a busy machine a client that resets may do so only after its handshake has timed out.
    const isLate = (ms: number, i: number) => kinds[i % kinds.length] === RESETS && ms > timeoutS * 1_000
    const late = spokenMs.filter(isLate).length
    await tellsOfAll(t, relay, count * (kinds.length - 1), late)
    assert.ok(linesOf(relay).length <= 2 + (performance.now() - startedMs) / 1_000, relay.program.stderr.text)
    await standsStill(relay)
    const client = await connectTls(t, relay.port())
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
  })
}

/** The same with `tls = auto`, where clients without TLS are relayed. */
export function ambiguousTests(count: number): void {
  test(`a port with tls = auto survives ${count} of each kind of hostile client at once`, async (t) => {
    const remote = await remoteThat((socket) => void socket.resume().on('end', () => socket.end())).start(t)
    const relay = await relayTo(remote)
      .with(servedWith(localhost(t)), 'tls handshake timeout = 1', 'tls detect timeout = 1')
      .with('idle timeout = 1')
      .listeningOn('address = 127.0.0.1 port = 0 tls = auto', 'address = 127.0.0.1 port = 0 tls = pass')
      .start(t)
    const kinds = Object.keys(SAID) as Kind[]
    const crowd = Array.from({ length: count * kinds.length }, (_, i) => {
      return visit(t, relay.port(i % 2), kinds[i % kinds.length] as Kind)
    })
    await Promise.all(crowd)
    await relay.isIdle()
    await standsStill(relay)
  })
}

/** Connects, sends its bytes and waits until it is disconnected; or resets at once. Returns how long the first step took. */
async function visit(t: TestContext, port: number, kind: Kind): Promise<number> {
  const startedMs = performance.now()
  let spokenMs = Number.POSITIVE_INFINITY
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', () => {}).resume()
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()))
  afterwards(t, () => void socket.destroy())
  socket.on('connect', () => {
    spokenMs = performance.now() - startedMs
    if (kind === RESETS) socket.resetAndDestroy()
    else socket.write(SAID[kind]())
  })
  await within(`${kind} to be sent away`, closed, 60_000)
  return spokenMs
}

const linesOf = ({ program }: Relay) => program.stderr.matching(LINE)

/**
 * The log counts all of them in few lines: the last ones are reported with the next that comes later. `late` more may be
 * counted.
 */
async function tellsOfAll(t: TestContext, relay: Relay, count: number, late: number): Promise<void> {
  const logged = () => {
    return linesOf(relay).reduce((sum, line) => sum + 1 + Number(LINE.exec(line)?.[2] ?? 0), 0)
  }
  let more = 0
  await until(`${count} failures in the log, not ${logged()}`, async () => {
    if (logged() >= count + more) return true
    more++
    await visit(t, relay.port(), 'plaintext')
    return false
  })
  assert.ok(
    logged() <= count + more + late,
    `${logged()} failures in the log, not ${count} + ${more} + ${late}`,
  )
}

/** While a client is silent for as long as it may, the relay uses no CPU. */
async function standsStill(relay: Relay): Promise<void> {
  await waitsWithoutCpu(relay.pid, async () => {
    const silent = await relay.connect()
    await silent.ending()
    await silent.close()
  })
}
