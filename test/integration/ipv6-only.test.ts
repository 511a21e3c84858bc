import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { freePorts } from '../harness/free-ports.js'
import { startTcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'

const ANYWHERE = ['0.0.0.0', '::']

for (const mode of ['single process = yes', 'single process = no']) {
  test(`0.0.0.0 and :: bind on one port, also after a reload (${mode})`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const port = await freePorts(1, '::')
    const plan = (...hosts: readonly string[]) =>
      relayTo(remote)
        .withMaster(mode)
        .listeningOn(...hosts.map((host) => `address = ${host} port = ${port}`))
    const file = plan('::').file(t)
    const program = startTcprelay(t, ['-D', file])
    const running = {
      file,
      signal: program.signal.bind(program),
      logged: program.stderr.reached.bind(program.stderr),
    }
    const serves = async (host: string) => {
      const client = await Client.connect(t, { host, port })
      assert.equal(await client.exchange('hello'), 'hello')
      await client.close()
    }
    await running.logged(/bind to \[::\]:\d+ succeeded/)
    for (const host of ['127.0.0.1', '::1']) await serves(host)
    await reload(running, plan(...ANYWHERE).text)
    // The old socket for both families blocks the port until it is closed.
    await running.logged(/bind to \[::\]:\d+ succeeded/, 2)
    await running.logged(/bind to 0\.0\.0\.0:\d+ succeeded/)
    for (const host of ['127.0.0.1', '::1']) await serves(host)
    program.signal('SIGTERM')
    assert.equal((await program.ended()).code, 0)
  })
}

test('a listener with `ipv6 only` leaves the IPv4 address of its port free', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const port = await freePorts(1, '::')
  const relay = await relayTo(remote)
    .listeningOn(`port = ${port} ipv6 only = yes`, `address = 127.0.0.1 port = ${port}`)
    .start(t)
  for (const host of ['127.0.0.1', '::1']) {
    assert.equal(await (await relay.connect({ host, port })).exchange('hello'), 'hello')
  }
  assert.equal(relay.program.stderr.matching(/failed/).length, 0)
})
