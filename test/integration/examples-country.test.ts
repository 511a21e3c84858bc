/** The example with rules by country serves the case that its comment describes. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { startExample } from '../harness/example.js'
import type { Relay } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'
import { inCountry, inSystem, mmdb } from '../support/mmdb.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

/** What a client with this address receives up to the end; '' if it is refused. */
async function answer(t: TestContext, relay: Relay, from: string, listener: number): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port: relay.port(listener), localAddress: from })
  const client = new Client(t, socket)
  const received = await client.readToEnd().catch(() => '')
  await client.close()
  return received
}

test('by-country.cfg: clients of the countries and of the office are served, on the second port at daytime', async (t) => {
  const remote = await remoteThat(says('web')).start(t)
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
  const served = (listener: number) => Promise.all(hosts.map((from) => answer(t, relay, from, listener)))
  assert.deepEqual(await served(0), ['web', 'web', '', ''])
  assert.deepEqual(await served(1), ['web', '', '', ''])
})
