import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { foreignMaster, MAX } from '../harness/foreign-master.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'
import { until } from '../harness/until.js'
import { associations } from './associations.js'
import { arrives, over, pair, peers, STREAMS } from './sctp-ends.js'

/** Tests of SCTP that start programs of their own, which takes seconds in a guest: run by sctp.full.test.ts. */

const KiB = 1024

after(() => peers.end())

test('a server that refuses is skipped for another one, which has several addresses', async (t) => {
  const refusing = await closedPort()
  const server = await peers.listen({ hosts: ['127.0.0.1', '127.0.0.3'] })
  await server.echo()
  const relay = await relayTo({ directive: `address = 127.0.0.1 port = ${refusing} protocol = SCTP` }, server)
    .listeningOn('address = 127.0.0.1 port = 0 protocol = SCTP')
    .start(t)
  for (let count = 0; count < 3; count++) {
    const client = await peers.connect(relay.port())
    const sent = await client.sendBytes(1_000, { stream: 1, ppid: 3 })
    await arrives(client, sent, { bytes: 1_000, stream: 1, ppid: 3, unordered: false })
    const toRemote = associations().find(({ peerPort }) => peerPort === server.port)
    assert.deepEqual(toRemote?.peer.toSorted(), ['127.0.0.1', '127.0.0.3'])
    await client.close()
    await relay.isIdle()
  }
  await relay.logged(new RegExp(`remote sctp:127\\.0\\.0\\.1:${refusing} is down: connection refused`))
})

test('idle timeouts, port ranges and socket options are the same as with TCP', async (t) => {
  const server = await peers.listen({ streams: STREAMS })
  const relay = await relayTo({ directive: `${server.directive} dscp = 8` })
    .listeningOn('address = 127.0.0.1 port = 7000-7001 protocol = SCTP dscp = 8')
    .with('idle timeout = 1')
    .start(t)
  await relay.serves(2)
  for (const index of [0, 1]) {
    const ends = await pair(relay, server, index)
    const sent = await ends.client.sendBytes(100, { stream: 1, ppid: 3 })
    await arrives(ends.server, sent, { bytes: 100, stream: 1, ppid: 3, unordered: false })
    assert.equal(await ends.client.ending(), 'ECONNRESET')
    assert.equal(await ends.server.ending(), 'ECONNRESET')
    await over(ends)
  }
  await relay.isIdle()
})

/** An SCTP port without a listener. */
async function closedPort(): Promise<number> {
  const { handle, port } = await peers.ask('listen')
  await peers.ask('close', { handle })
  return Number(port)
}

for (const accept of ['broker', 'direct'] as const) {
  test(`two children relay SCTP (accept = ${accept})`, async (t) => {
    const server = await peers.listen({ streams: STREAMS })
    await server.echo()
    const plan = relayTo({ directive: `${server.directive} sctp streams = ${STREAMS}` })
      .listeningOn(`address = 127.0.0.1 port = 0 protocol = SCTP sctp streams = ${STREAMS}`)
      .withMaster(spawning([2, 2], [1, 100], `accept = ${accept}`))
    const master = await startMaster(t, plan, { children: 2 })
    const about = { stream: STREAMS - 1, ppid: 18, unordered: true }
    for (let count = 0; count < 4; count++) {
      const client = await peers.connect(master.port(), { streams: STREAMS })
      await arrives(client, await client.sendBytes(64 * KiB, about), { bytes: 64 * KiB, ...about })
      await client.close()
    }
    assert.deepEqual(await peers.ask('crowd', { port: master.port(), count: 50 }), { good: 50 })
    await until('the children to be idle', () => master.sessions().every((sessions) => sessions === 0))
  })
}

test('an SCTP client that a classic master hands over is served', async (t) => {
  const server = await peers.listen()
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(relayTo(server)))
  const master = await foreignMaster(t, file)
  assert.ok(master)
  await master.hears(MAX)
  await master.holdSctp()
  const answered = master.say('question', 4)
  const accepted = await server.accept()
  const { stream, text } = await accepted.receive()
  assert.deepEqual({ stream, text }, { stream: 4, text: 'question' })
  await accepted.send('response')
  assert.equal(await answered, 'response')
  await accepted.close()
  await master.countsDone(1)
  await master.release()
})
