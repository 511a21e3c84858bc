import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { rawPeers } from '../harness/peers.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

test('systemd is notified when the service is ready, alive, reloading and stopping', async (t) => {
  const peers = rawPeers(t)
  if (peers === undefined) return
  const path = join(temporaryFolder(t), 'notify')
  const next = await peers.listenForDatagrams(path)
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote)
    .running({ env: { NOTIFY_SOCKET: path, WATCHDOG_USEC: '400000' } })
    .start(t)
  assert.equal(await next(), 'READY=1')
  assert.equal(await next(), 'WATCHDOG=1')
  assert.equal(await next(), 'WATCHDOG=1')
  relay.signal('SIGHUP')
  await until('the word that it reloads', async () => /^RELOADING=1\nMONOTONIC_USEC=\d+$/.test(await next()))
  await until('the word that it is ready again', async () => (await next()) === 'READY=1')
  relay.signal('SIGTERM')
  await until('the word that it stops', async () => (await next()) === 'STOPPING=1')
  assert.deepEqual(await relay.ended(), { code: 0, signal: null })
})
