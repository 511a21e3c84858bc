/** The examples about who may connect, and how often, serve their cases. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { startExample } from '../harness/example.js'
import { type Remote, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { inCountry, inSystem, mmdb } from '../support/mmdb.js'
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

test('by-country.cfg: clients of the countries and of the office are served, on the second port at daytime', async (t) => {
  const remote = await named(t, 'web')
  const folder = temporaryFolder(t)
  const countries = mmdb({
    '127.0.0.2/32': inCountry('AT'),
    '127.0.0.3/32': inCountry('FR'),
    '127.0.0.4/32': inCountry('DE'),
  })
  writeFileSync(join(folder, 'GeoLite2-Country.mmdb'), countries)
  writeFileSync(join(folder, 'GeoLite2-ASN.mmdb'), mmdb({ '127.0.0.4/32': inSystem(64_500) }))
  const relay = await startExample(t, 'by-country.cfg', {
    '/var/lib/GeoIP': folder,
    'permit 192.0.2.0/24\n  deny': 'permit 127.0.0.1\n  deny',
    'listen = { port = 443 }': `listen = { ${ANY_PORT} }`,
    'port = 8443\n    permit 192.0.2.0/24': `${ANY_PORT}\n    permit 127.0.0.1`,
    // No time at all.
    'Mon-Fri 08:00-18:00 Europe/Berlin': `${new Date().getUTCDay() === 3 ? 'Sun' : 'Wed'} 03:00-03:01 UTC`,
    'address = 198.51.100.10 port = 443': remote.directive,
    'access log = syslog': '',
  })
  const hosts = ['127.0.0.1', '127.0.0.2', '127.0.0.3', '127.0.0.4']
  const served = (listener: number) =>
    Promise.all(hosts.map((host) => answerTo(t, relay, host, listener).catch(() => '')))
  assert.deepEqual(await served(0), ['web', 'web', '', ''])
  assert.deepEqual(await served(1), ['web', '', '', ''])
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
