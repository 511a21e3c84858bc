import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { rawPeers } from '../harness/peers.js'
import { relayTo } from '../harness/relay.js'
import { echoes, greets, remoteThat } from '../harness/remote.js'
import { takes } from '../harness/takes.js'

const BANNER = 'SSH-2.0-OpenSSH_9.2\r\n'

/** The quickest one is free of what else the machine does. */
const TRIES = 41

const KEYS = 200

/** What the relay may add until a banner or the echo of a key arrives. */
const LATER_MAX_MS = 5

test('keystrokes are echoed one by one', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  const client = await relay.connect()
  for (const key of 'ls -l /tmp\r') assert.equal(await client.exchange(key), key)
})

test('no keystroke waits for another one', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).start(t)
  // Of the quicker ones, because a busy machine makes some wait; where keys wait for another, all but the first few do.
  const keysMs = async (client: Client) => {
    const timesMs: number[] = []
    for (let i = 0; i < KEYS; i++) {
      const startedMs = performance.now()
      await client.exchange('x')
      timesMs.push(performance.now() - startedMs)
    }
    return timesMs.sort((a, b) => a - b)[KEYS / 4] ?? Number.NaN
  }
  const direct = await Client.connect(t, { port: remote.port })
  const relayed = await relay.connect()
  // Nagle's algorithm against delayed acknowledgements costs 40 ms (RFC 9293, 3.7.4).
  await takes({ minMs: Number.NEGATIVE_INFINITY, maxMs: LATER_MAX_MS }, async () => {
    const directMs = await keysMs(direct)
    return (await keysMs(relayed)) - directMs
  })
})

test('the banner of a server that speaks first arrives within 5 ms of a direct connection', async (t) => {
  const remote = await remoteThat(greets(BANNER)).start(t)
  const relay = await relayTo(remote).start(t)
  await bannerMs(t, relay.port())
  const [direct, relayed]: [number[], number[]] = [[], []]
  for (let i = 0; i < TRIES; i++) {
    direct.push(await bannerMs(t, remote.port))
    relayed.push(await bannerMs(t, relay.port()))
  }
  const laterMs = Math.min(...relayed) - Math.min(...direct)
  assert.ok(laterMs < LATER_MAX_MS, `${laterMs} ms later than direct`)
})

test('the banner is not delayed when the client speaks at the same time', async (t) => {
  const remote = await remoteThat(greets(BANNER)).start(t)
  const relay = await relayTo(remote).start(t)
  const client = await relay.connect()
  await client.send('SSH-2.0-client\r\n')
  assert.equal(await client.read(BANNER.length), BANNER)
  assert.equal(await client.read(16), 'SSH-2.0-client\r\n')
})

test('urgent data is forwarded in order and without loss', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).start(t)
  const client = await peers.connect(relay.port())
  const accepted = await server.accept()
  for (const [from, to] of [
    [client, accepted],
    [accepted, client],
  ] as const) {
    await from.send('before')
    await from.sendUrgent('!')
    await from.send('after')
    assert.equal(await to.read(12), 'before!after')
    await from.sendUrgent('1')
    await from.sendUrgent('2')
    await from.send('3')
    assert.equal(await to.read(3), '123')
  }
  await client.sendUrgent('X')
  await client.close()
  assert.equal(await accepted.read(2), 'X')
})

test('urgent data in the middle of a transfer loses nothing', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).start(t)
  const client = await peers.connect(relay.port())
  const accepted = await server.accept()
  const reading = accepted.readToEnd()
  let bytes = 0
  for (let i = 0; i < 50; i++) {
    bytes += (await client.sendMuch(100_000)).bytes + 1
    await client.sendUrgent('!')
  }
  await client.close()
  const got = await reading
  assert.deepEqual({ bytes: got.bytes, ending: got.ending }, { bytes, ending: 'end' })
})

/** From the call of connect to the last byte of the banner. */
async function bannerMs(t: TestContext, port: number): Promise<number> {
  const startedMs = performance.now()
  const client = await Client.connect(t, { port })
  assert.equal(await client.read(BANNER.length), BANNER)
  const tookMs = performance.now() - startedMs
  await client.close()
  return tookMs
}
