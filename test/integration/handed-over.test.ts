import assert from 'node:assert/strict'
import { test } from 'node:test'
import { needs } from '../harness/needs.js'
import { fileOfProject, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
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

test('a socket of systemd is found by its name and kept over a reload', async (t) => {
  if (!needs(t, 'python3')) return
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).listeningOn('inherited = front')
  const relay = await plan.running({ under: [...handOver, 'systemd', 'front'] }).start(t)
  await relay.logged(/succeeded \(via systemd\)/)
  await reload(relay, plan.text)
  const client = await relay.connect()
  assert.equal(await client.exchange('handed over'), 'handed over')
  await client.close()
})

test('under inetd the process stays in the foreground', async (t) => {
  if (!needs(t, 'python3')) return
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .listeningOn('')
    .withMaster('background = yes')
    .startedWith('-b')
    .running({ under: [...handOver, 'inetd'] })
    .start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('still here'), 'still here')
  await client.close()
})

for (const [words, lines] of [
  [['-b'], []],
  [[], ['background = yes']],
  [['-P'], ['background = yes']],
] as const) {
  test(`a socket of systemd cannot be combined with the background: ${[...words, ...lines]}`, async (t) => {
    const file = relayTo({ directive: 'address = 127.0.0.1 port = 9' })
      .listeningOn('inherited = front')
      .withMaster(...lines)
      .file(t)
    const { code, stderr } = await tcprelay(t, [...words, file])
    assert.equal(code, 78)
    assert.match(stderr, /:2:3: the inherited socket 'front' cannot be used in the background/)
  })
}

test('-f uses a socket of systemd although the file asks for the background', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote).listeningOn('inherited = front', 'address = 127.0.0.1 port = 0')
  const relay = await plan.withMaster('background = yes').startedWith('-f').start(t)
  const client = await relay.connect()
  assert.equal(await client.exchange('served'), 'served')
  await client.close()
})

test('a name without a socket of systemd is reported, and other listeners serve', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .listeningOn('inherited = front', 'address = 127.0.0.1 port = 0')
    .start(t)
  await relay.logged(/the socket 'front' failed: systemd passed no socket named 'front'/)
  const client = await relay.connect()
  assert.equal(await client.exchange('served'), 'served')
  await client.close()
})
