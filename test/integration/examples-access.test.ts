/** The examples about who may connect, and how often, serve their cases. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { startExample } from '../harness/example.js'
import { type Remote, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { readProxy } from '../support/read-proxy.js'
import { answerTo, clientFrom } from './clients-from.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

const named = (t: TestContext, name: string): Promise<Remote> => remoteThat(says(name)).start(t)

test('block-list.cfg: clients in the file are rejected, the office and all others served', async (t) => {
  const remote = await named(t, 'web')
  const path = join(temporaryFolder(t), 'blocked')
  writeFileSync(path, '127.0.0.2 - 127.0.0.3\n')
  const relay = await startExample(t, 'block-list.cfg', {
    'port = 80 }\n  permit 192.0.2.0/24': `${ANY_PORT} }\n  permit 127.0.0.2`,
    '/etc/tcprelay/blocked': path,
    'address = 198.51.100.10 port = 80': remote.directive,
    'access log = syslog': '',
  })
  assert.equal(await answerTo(t, relay, '127.0.0.1'), 'web')
  assert.equal(await answerTo(t, relay, '127.0.0.2'), 'web')
  assert.equal(await answerTo(t, relay, '127.0.0.3').catch(() => ''), '')
  await relay.logged(/connection attempt from 127\.0\.0\.3:\d+ rejected/)
})

test('allow-list.cfg: only clients of the network are served, and the log file has both kinds', async (t) => {
  const remote = await named(t, 'served')
  const folder = temporaryFolder(t)
  const relay = await startExample(t, 'allow-list.cfg', {
    'listen = { port = 80 }': `listen = { ${ANY_PORT} }`,
    '192.0.2.0/24': '127.0.0.0/30',
    'address = 198.51.100.10 port = 80': remote.directive,
    '/var/log/tcprelay': folder,
  })
  assert.equal(await answerTo(t, relay, '127.0.0.3'), 'served')
  assert.equal(await answerTo(t, relay, '127.0.0.5'), '')
  assert.equal(remote.acceptedCount, 1)
  await until('both lines in the log', () => {
    const log = readFileSync(join(folder, 'access.log'), 'utf8')
    return /client=127\.0\.0\.3:.* end=done\n/.test(log) && /client=127\.0\.0\.5:.* end=rejected /.test(log)
  })
})

test('game.cfg: refuses and bans sources that connect too often, and sends the server their addresses', async (t) => {
  const world = await remoteThat((socket) => {
    socket.once('data', (bytes) => socket.end(String(readProxy(bytes)?.source)))
  }).start(t)
  const relay = await startExample(t, 'game.cfg', {
    'address = 192.0.2.70 port = 25565': world.directive,
    'port = 25565': ANY_PORT,
    'after = 100': 'after = 3',
    // Slow machines take longer than three seconds.
    'rate = 10/3s': 'rate = 10/h',
  })
  for (let i = 0; i < 10; i++) assert.match(await answerTo(t, relay, '127.0.0.2'), /127\.0\.0\.2/)
  for (let i = 0; i < 4; i++) assert.equal(await clientFrom(t, relay, '127.0.0.2').ending(), 'ECONNRESET')
  await relay.logged(/banned 127\.0\.0\.2:\d+ for 600 s after 3 rejections/)
  assert.match(await answerTo(t, relay, '127.0.0.3'), /127\.0\.0\.3/)
})
