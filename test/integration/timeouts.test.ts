import assert from 'node:assert/strict'
import { test } from 'node:test'
import { keptAliveCountOf } from '../harness/proc.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, echoesForEver, listens, remoteThat } from '../harness/remote.js'
import { takes } from '../harness/takes.js'
import { until } from '../harness/until.js'

/** From the last byte of a session to its reset. */
async function idleMs(relay: Relay): Promise<number> {
  const client = await relay.connect()
  await client.exchange('hello')
  const startedMs = performance.now()
  assert.equal(await client.ending(), 'ECONNRESET')
  return performance.now() - startedMs
}

test('a session idle in both directions for idle timeout is reset on both sides', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with('idle timeout = 1', 'access log = stderr').start(t)
  await takes({ minMs: 900, maxMs: 1_600 }, () => idleMs(relay))
  await remote.holds(0)
  await relay.logged(/to_remote=5 to_client=5 .* end=idle-timeout/)
})

test('an idle timeout below a second is kept', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with('idle timeout = 200ms').start(t)
  await takes({ minMs: 150, maxMs: 900 }, () => idleMs(relay))
})

test('bytes in either direction keep a session alive', async (t) => {
  const remote = await remoteThat(listens).start(t)
  const relay = await relayTo(remote).with('idle timeout = 1').start(t)
  // A test that is late itself, on a busy machine, tries again.
  for (;;) {
    const client = await relay.connect()
    await remote.holds(1)
    const [server] = remote.sockets
    const startedMs = performance.now()
    let [spokenMs, silentMs] = [startedMs, 0]
    const ending = client.ending()
    const talk = setInterval(() => {
      silentMs = Math.max(silentMs, performance.now() - spokenMs)
      spokenMs = performance.now()
      if (Math.random() < 0.5) client.socket.write('x')
      else server?.write('x')
    }, 300)
    const cut = await Promise.race([
      ending,
      new Promise((resolve) => setTimeout(() => resolve('alive'), 2_500)),
    ])
    clearInterval(talk)
    if (cut !== 'alive' && silentMs > 800) continue
    assert.equal(cut, 'alive')
    assert.equal(await ending, 'ECONNRESET')
    assert.ok(performance.now() - startedMs > 3_000)
    return
  }
})

test('half-close timeout ends a session with one direction left, not one with both', async (t) => {
  const remote = await remoteThat(echoesForEver).start(t)
  const relay = await relayTo(remote).with('half-close timeout = 1', 'access log = stderr').start(t)
  const [whole, half] = [await relay.connect(), await relay.connect()]
  await half.endWriting()
  assert.equal(await half.ending(), 'ECONNRESET')
  await relay.logged(/end=half-close-timeout/)
  assert.equal(await whole.exchange('still here'), 'still here')
})

const KEEPALIVES = [
  { lines: [], sockets: 2 },
  { lines: ['tcp keepalive = no'], sockets: 0 },
]

for (const { lines, sockets } of KEEPALIVES) {
  test(`keepalive is on for ${sockets} sockets of a quiet session (${lines.join() || 'default'})`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote)
      .with(...lines)
      .withMaster(...lines)
      .start(t)
    const client = await relay.connect()
    await client.exchange('hello')
    await until(`keepalive on ${sockets} sockets`, () => keptAliveCountOf(relay.pid) === sockets)
  })
}
