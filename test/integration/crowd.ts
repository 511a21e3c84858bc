import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fittingCount } from '../harness/fitting-count.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

/** Concurrent clients: each is served, stays connected, is served again and disconnects. */
export function crowdTest(wanted: number): void {
  const count = fittingCount(wanted)
  test(`serves ${count} concurrent connections`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote).start(t)
    const clients = await Promise.all(Array.from({ length: count }, () => relay.connect()))
    const exchangeAll = (word: string) =>
      Promise.all(clients.map((client, i) => client.exchange(`${word} ${i}`)))
    assert.deepEqual(
      await exchangeAll('first'),
      clients.map((_, i) => `first ${i}`),
    )
    assert.equal(remote.sockets.size, count)
    assert.equal(relay.socketCount, 2 * count)
    assert.deepEqual(
      await exchangeAll('second'),
      clients.map((_, i) => `second ${i}`),
    )
    await Promise.all(clients.map((client) => client.close()))
    await relay.isIdle()
    assert.equal(await (await relay.connect()).exchange('after the crowd'), 'after the crowd')
  })
}
