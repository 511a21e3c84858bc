import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { rawPeers } from '../harness/peers.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat, says } from '../harness/remote.js'
import { variants } from '../harness/variants.js'

test('connections to remotes come from the local address', async (t) => {
  const peers = rawPeers(t)
  if (!peers) return
  const server = await peers.listen()
  const relay = await relayTo(server).with('local address = 127.0.0.7').start(t)
  await relay.connect()
  assert.equal((await server.accept()).from.host, '127.0.0.7')
})

for (const form of variants(['path = PATH'], ['address = PATH', 'address = unix:PATH', 'PATH'])) {
  test(`a listener can be a Unix socket: ${form}`, async (t) => {
    const path = join(temporaryFolder(t), 'listener')
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote)
      .listeningOn(form.replace('PATH', path))
      .with('access log = stderr')
      .start(t)
    const client = await relay.connect({ path })
    assert.equal(await client.exchange('over a path'), 'over a path')
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    await relay.logged(/client=unix: uid=\d+ gid=\d+ listener=.*listener remote=.* end=done/)
  })
}

for (const form of variants(['address = PATH'], ['address = unix:PATH', 'PATH'])) {
  test(`a remote can be a Unix socket: ${form}`, async (t) => {
    const path = join(temporaryFolder(t), 'remote')
    await remoteThat(echoes).start(t, { path })
    const relay = await relayTo({ directive: form.replace('PATH', path) }).start(t)
    const client = await relay.connect()
    assert.equal(await client.exchange('to a path'), 'to a path')
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
  })
}

test('the socket file of a killed relay does not block the next one', async (t) => {
  const path = join(temporaryFolder(t), 'listener')
  const remote = await remoteThat(says('again')).start(t)
  const plan = relayTo(remote).listeningOn(`path = ${path}`)
  const first = await plan.start(t)
  first.signal('SIGKILL')
  await first.ended()
  await plan.start(t)
  assert.equal(await (await Client.connect(t, { path })).readToEnd(), 'again')
})

test('a socket file that another process listens on is kept', async (t) => {
  const path = join(temporaryFolder(t), 'taken')
  await remoteThat(says('mine')).start(t, { path })
  const remote = await remoteThat(says('not this')).start(t)
  const relay = await relayTo(remote).listeningOn(`path = ${path}`, 'address = 127.0.0.1 port = 0').start(t)
  await relay.logged(/bind to .*taken failed: address already in use/)
  assert.equal(await (await Client.connect(t, { path })).readToEnd(), 'mine')
})

test('several listeners share the same remotes, IPv6 too', async (t) => {
  const remote = await remoteThat(says('here')).start(t)
  const relay = await relayTo(remote)
    .listeningOn('address = 127.0.0.1 port = 0', '::1 port = 0', 'port = 0')
    .start(t)
  const places = [
    { port: relay.port(0) },
    { port: relay.port(1), host: '::1' },
    { port: relay.port(2) },
    { port: relay.port(2), host: '::1' },
  ]
  for (const place of places) assert.equal(await (await relay.connect(place)).readToEnd(), 'here')
})

test('an IPv6 remote is reached', async (t) => {
  const remote = await remoteThat(says('six')).start(t, { host: '::1', port: 0 })
  const relay = await relayTo(remote).start(t)
  assert.equal(await (await relay.connect()).readToEnd(), 'six')
})
