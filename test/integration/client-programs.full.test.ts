import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { needs } from '../harness/needs.js'
import { relayTo } from '../harness/relay.js'
import { remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** A client as its users have it, the protocol by which it is routed, and its words; PORT is the relay's. */
const CLIENTS = [
  [
    'ssh',
    'ssh',
    '-oBatchMode=yes -oStrictHostKeyChecking=no -oUserKnownHostsFile=/dev/null -p PORT nobody@127.0.0.1',
  ],
  ['postgres', 'psql', '-w postgresql://nobody@127.0.0.1:PORT/none?sslmode=prefer&gssencmode=disable'],
  ['postgres', 'psql', '-w postgresql://nobody@127.0.0.1:PORT/none?sslmode=disable&gssencmode=disable'],
  ['redis', 'redis-cli', '-h 127.0.0.1 -p PORT PING'],
  ['mqtt', 'mosquitto_pub', '-h 127.0.0.1 -p PORT -i sensor -t topic -m message'],
  ['mqtt', 'mosquitto_pub', '-V mqttv5 -h 127.0.0.1 -p PORT -i sensor -t topic -m message'],
  ['http', 'curl', '-s http://127.0.0.1:PORT/'],
  ['http2', 'curl', '-s --http2-prior-knowledge http://127.0.0.1:PORT/'],
  ['tls', 'curl', '-s -k https://127.0.0.1:PORT/'],
  ['tls', 'openssl', 's_client -connect 127.0.0.1:PORT -servername www.example.test'],
  ['socks', 'curl', '-s --socks5 127.0.0.1:PORT http://127.0.0.1:9/'],
  ['socks', 'curl', '-s --socks4 127.0.0.1:PORT http://127.0.0.1:9/'],
  ['dns', 'dig', '+tcp +tries=1 +time=5 -p PORT @127.0.0.1 example.test'],
] as const

/** Nothing but the right protocol may match: all of them have a route. */
const PROTOCOLS = [...new Set(CLIENTS.map(([protocol]) => protocol))]

for (const [protocol, program, words] of CLIENTS) {
  test(`the first bytes of ${program} ${words} are ${protocol}`, async (t) => {
    if (!needs(t, program)) return
    const servers = await Promise.all(
      PROTOCOLS.map(async (name) => ({
        name,
        server: await remoteThat((socket) => void socket.destroy()).start(t),
      })),
    )
    const pools = servers.map(({ name, server }) => `pool = ${name} { remote = { ${server.directive} } }`)
    const routes = PROTOCOLS.map((name) => `route = { protocol = ${name}  pool = ${name} }`)
    // Longer than the client waits: a client that is not recognised reaches no server.
    const relay = await relayTo()
      .with(...pools, ...routes, 'dial retries = 0')
      .listeningOn('address = 127.0.0.1 port = 0 detect timeout = 60')
      .start(t)
    const args = words.replaceAll('PORT', String(relay.port())).split(' ')
    const client = spawn(program, args, { stdio: 'ignore', env: { ...process.env, HOME: '/nonexistent' } })
    const ended = once(client, 'close')
    const reached = () => servers.filter(({ server }) => server.acceptedCount > 0).map(({ name }) => name)
    await until(`${program} to reach a server`, () => reached().length > 0)
    client.kill()
    await ended
    assert.deepEqual(reached(), [protocol])
  })
}
