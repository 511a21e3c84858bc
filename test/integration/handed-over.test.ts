import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../harness/needs.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const handOver = ['python3', fileOfProject('test/harness/hand_over.py')]

test('under inetd a listener needs no address', async (t) => {
  if (!needs(t, 'python3')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .listeningOn('')
    .running({ under: [...handOver, 'inetd'] })
    .start(t)
  await relay.logged(/bind to 127\.0\.0\.1:\d+ succeeded \(via inetd\)/)
  const client = await relay.connect()
  assert.equal(await client.exchange('handed over'), 'handed over')
  await client.close()
})

test('a socket of systemd is taken by its name', async (t) => {
  if (!needs(t, 'python3')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .listeningOn('inherited = front')
    .running({ under: [...handOver, 'systemd', 'front'] })
    .start(t)
  await relay.logged(/succeeded \(via systemd\)/)
  const client = await relay.connect()
  assert.equal(await client.exchange('handed over'), 'handed over')
  await client.close()
})

test('a name that systemd did not hand over is said, and other listeners serve', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .listeningOn('inherited = front', 'address = 127.0.0.1 port = 0')
    .start(t)
  await relay.logged(/the socket 'front' failed: systemd has handed over no socket named 'front'/)
  const client = await relay.connect()
  assert.equal(await client.exchange('served'), 'served')
  await client.close()
})
