import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { MODES, type Running } from '../harness/modes.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { greets, type Remote, remoteThat, says } from '../harness/remote.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

async function answers(t: TestContext, running: Running, listener: number): Promise<string> {
  const client = await Client.connect(t, { port: running.port(listener) })
  const answer = await client.readToEnd()
  await client.close()
  return answer
}

const pool = (name: string, remotes: readonly Remote[], ...lines: readonly string[]): string =>
  [`pool = ${name} {`, ...remotes.map(({ directive }) => `remote = { ${directive} }`), ...lines, '}'].join(
    '\n',
  )

for (const mode of MODES) {
  test(`${mode.name}: each listener is served by its pool, under the pool's own directives`, async (t) => {
    const named = (name: string) => remoteThat(says(name)).start(t)
    const [direct, web, mail] = [await named('direct'), await named('web'), await named('mail')]
    const silent = await remoteThat(greets('here')).start(t)
    const plan = relayTo(direct)
      .listeningOn(
        `${ANY_PORT} pool = mail name = smtp`,
        ANY_PORT,
        `${ANY_PORT} pool = web`,
        `${ANY_PORT} pool = quiet`,
      )
      .with(
        pool('web', [web]),
        pool('mail', [mail]),
        pool('quiet', [silent], 'idle timeout = 250ms'),
        'access log = stderr',
      )
    const running = await mode.start(t, plan)
    for (const [listener, answer] of ['mail', 'direct', 'web'].entries())
      assert.equal(await answers(t, running, listener), answer)
    await running.logged(new RegExp(` pool=mail remote=127.0.0.1:${mail.port} `))
    await running.logged(new RegExp(` pool=default remote=127.0.0.1:${direct.port} `))
    const quiet = await Client.connect(t, { port: running.port(3) })
    assert.equal(await quiet.read(4), 'here')
    await running.logged(/ pool=quiet .* end=idle-timeout$/)
    await quiet.close()
  })

  test(`${mode.name}: a reload moves a listener to another pool`, async (t) => {
    const [one, other] = [await remoteThat(says('one')).start(t), await remoteThat(says('other')).start(t)]
    const served = (port: number, by: string): RelayPlan =>
      relayTo()
        .listeningOn(`address = 127.0.0.1 port = ${port} pool = ${by}`)
        .with(pool('a', [one]), pool('b', [other]))
    const running = await mode.start(t, served(0, 'a'))
    assert.equal(await answers(t, running, 0), 'one')
    await reload(running, mode.textOf(served(running.port(), 'b')))
    assert.equal(await answers(t, running, 0), 'other')
  })
}

for (const mode of MODES) {
  test(`${mode.name}: a listener overrides options of its pool, until a reload removes them`, async (t) => {
    const remote = await remoteThat(greets('here')).start(t)
    const plan = (port: number, overrides: string) =>
      relayTo(remote)
        .listeningOn(
          `${ANY_PORT} name = plain`,
          `address = 127.0.0.1 port = ${port} name = other ${overrides}`,
        )
        .with('idle timeout = 1h', 'local address = 127.0.0.2', 'access log = stderr')
    const running = await mode.start(t, plan(0, 'idle timeout = 250ms local address = 127.0.0.3'))
    const addresses = () => [...remote.sockets].map(({ remoteAddress }) => remoteAddress)
    const connected = async (listener: number) => {
      const client = await Client.connect(t, { port: running.port(listener) })
      assert.equal(await client.read(4), 'here')
      return client
    }
    const [plain, other] = [await connected(0), await connected(1)]
    assert.deepEqual(addresses(), ['127.0.0.2', '127.0.0.3'])
    assert.equal(await other.ending(), 'ECONNRESET')
    await running.logged(/ listener=other .* end=idle-timeout$/)
    await plain.close()
    await running.logged(/ listener=plain .* end=done$/)
    await reload(running, mode.textOf(plan(running.port(1), '')))
    const again = await connected(1)
    assert.equal(addresses().at(-1), '127.0.0.2')
    await again.close()
  })
}

test('remotes and listeners are logged under their names', async (t) => {
  const remote = await remoteThat(says('hello')).start(t)
  const relay = await relayTo(remote.with('name = db1'))
    .listeningOn(`${ANY_PORT} name = front`)
    .with('access log = stderr')
    .start(t)
  assert.equal(await answers(t, relay, 0), 'hello')
  await relay.logged(/ listener=front remote=db1 /)
})
