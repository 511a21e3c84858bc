import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { agentThat } from '../harness/agent.js'
import { Client } from '../harness/client.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { greets, remoteThat } from '../harness/remote.js'
import { TcpProxy } from '../harness/tcp-proxy.js'
import { connectTls, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'

const DEADLINE_MS = 300

/** Record type of an alert: close_notify, where nothing else has gone wrong. */
const ALERT = 21
const RECORD_HEADER_BYTES = 5

/** A remote that greets with its name, and its agent. */
async function advised(t: TestContext, name: string) {
  const [agent, remote] = await Promise.all([agentThat(t, 'ready'), remoteThat(greets(name)).start(t)])
  const health = `health { type = agent port = ${agent.port} interval = 20ms timeout = 10s }`
  return { agent, directive: `name = ${name} ${remote.directive} ${health}` }
}

for (const mode of MODES) {
  test(`${mode.name}: sessions of a remote that drains end after its deadline, also over a reload`, async (t) => {
    const [a, b] = await Promise.all([advised(t, 'a'), advised(t, 'b')])
    const plan = relayTo(a, b).with(
      'balance = round-robin',
      `drain deadline = ${DEADLINE_MS}ms`,
      'access log = stderr',
    )
    const relay = await mode.start(t, plan)
    const connect = async () => {
      const client = await Client.connect(t, { port: relay.port() })
      return { client, remote: await client.read(1) }
    }
    const both = [await connect(), await connect()]
    const [ofA, ofB] = ['a', 'b'].map((name) => both.find(({ remote }) => remote === name)?.client)
    if (ofA === undefined || ofB === undefined) throw new Error('one of the remotes has no client')
    const beganMs = performance.now()
    a.agent.answer = 'drain'
    await relay.logged(/remote a drains: sessions that are left after 300 ms are closed$/)
    await reload(relay, mode.textOf(plan.with('idle timeout = 1h')))
    assert.equal(await ofA.ending(), 'end')
    assert.ok(performance.now() - beganMs >= DEADLINE_MS)
    await ofA.close()
    await relay.logged(/ end=drained$/)
    assert.deepEqual([(await connect()).remote, (await connect()).remote], ['b', 'b'])
    assert.equal(await ofB.exchange('y'), 'y')
    a.agent.answer = 'ready'
    let late = await connect()
    await until('a client of a remote that is ready again', async () => {
      if (late.remote !== 'a') late = await connect()
      return late.remote === 'a'
    })
    b.agent.answer = 'maint'
    assert.equal(await ofB.ending(), 'end')
    assert.equal(await late.client.exchange('y'), 'y', 'its remote is ready')
    assert.equal(relay.program.stderr.matching(/ drains: /).length, 2)
  })
}

test('a client of TLS gets close_notify before FIN', async (t) => {
  const a = await advised(t, 'a')
  const relay = await relayTo(a)
    .with(servedWith(localhost(t)), 'drain deadline = 1ms')
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .start(t)
  const received: Buffer[] = []
  const proxy = await TcpProxy.start(t, relay.port(), {
    async back(bytes, to) {
      received.push(bytes)
      to.write(bytes)
    },
  })
  // With TLS 1.3 the type of an alert is encrypted.
  const client = await connectTls(t, proxy.port, { maxVersion: 'TLSv1.2' })
  assert.equal(await client.read(1), 'a')
  a.agent.answer = 'drain'
  assert.equal(await client.ending(), 'end')
  const bytes = Buffer.concat(received)
  let [offset, type] = [0, 0]
  while (offset < bytes.length) {
    type = bytes[offset] ?? 0
    offset += RECORD_HEADER_BYTES + bytes.readUInt16BE(offset + 3)
  }
  assert.equal(type, ALERT, 'the last record')
})
