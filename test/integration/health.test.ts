import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { MODES } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { remoteThat, says } from '../harness/remote.js'

for (const mode of MODES) {
  test(`${mode.name}: a health check finds a remote down and up again, without a client`, async (t) => {
    const { port, target } = await closedPort()
    const other = await remoteThat(says('other')).start(t)
    const plan = relayTo(target, other).with(
      'balance = round-robin',
      'access log = stderr',
      'health { interval = 50ms timeout = 10s rise = 2 fall = 2 jitter = 0 }',
    )
    const running = await mode.start(t, plan)
    const ask = async () => {
      const client = await Client.connect(t, { port: running.port() })
      const answer = await client.readToEnd()
      await client.close()
      return answer
    }
    await running.logged(/remote 127\.0\.0\.1:\d+ is down: health check: connection refused/)
    for (let i = 0; i < 4; i++) assert.equal(await ask(), 'other')
    await reload(running, mode.textOf(plan.with('idle timeout = 2h')))
    for (let i = 0; i < 4; i++) assert.equal(await ask(), 'other')
    await remoteThat(says('back')).start(t, { host: '127.0.0.1', port })
    await running.logged(/is up again/)
    assert.deepEqual(new Set([await ask(), await ask()]), new Set(['back', 'other']))
    await reload(running, mode.textOf(plan.with('idle timeout = 1h')), IN_FORCE, 2)
    assert.deepEqual(new Set([await ask(), await ask()]), new Set(['back', 'other']))
    assert.equal(running.program.stderr.matching(/ is (down|up)/).length, 2, 'one outage is two log lines')
    await running.logged(/ end=done/, 12)
    assert.deepEqual(
      running.program.stderr.matching(/ attempts=/),
      [],
      'the remote that is down was not tried',
    )
  })
}

test('a remote that fails its checks gets no client, not even when nothing else is left', async (t) => {
  const accepting = await remoteThat(says('served')).start(t)
  const { port } = await closedPort()
  const relay = await relayTo(accepting)
    .with(
      'dial retries = 0',
      'access log = stderr',
      `health { interval = 50ms timeout = 10s port = ${port} }`,
    )
    .start(t)
  await relay.logged(/is down: health check/)
  const client = await relay.connect()
  await relay.logged(/end=no-remote/)
  assert.equal(accepting.acceptedCount, 0)
  await client.close()
})
