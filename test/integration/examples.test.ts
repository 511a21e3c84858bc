/** Each file of examples/ without certificates serves the case that its comment describes. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { clientHello } from '../harness/client-hello.js'
import { CountingRemote } from '../harness/counting-remote.js'
import { startExample } from '../harness/example.js'
import { freePort, freePorts } from '../harness/free-ports.js'
import { Names } from '../harness/names.js'
import { rawPeers } from '../harness/peers.js'
import { keptAliveCountOf } from '../harness/proc.js'
import type { Relay } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { greets, type Remote, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { FIRST_BYTES, rdpRequest } from '../support/first-bytes.js'
import { inCountry, inSystem, mmdb } from '../support/mmdb.js'
import { v1Header } from '../support/proxy-header.js'
import { readProxy } from '../support/read-proxy.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'

const named = (t: TestContext, name: string): Promise<Remote> => remoteThat(says(name)).start(t)

/** What a client that sends these bytes receives up to the end. */
async function answer(relay: Relay, bytes: string | Uint8Array = '', listener = 0): Promise<string> {
  const client = await relay.connect({ port: relay.port(listener) })
  if (bytes.length > 0) await client.send(bytes)
  const received = await client.readToEnd()
  await client.close()
  return received
}

/** A client with this address. */
function clientFrom(t: TestContext, relay: Relay, localAddress: string, listener = 0): Client {
  const to = { host: '127.0.0.1', port: relay.port(listener), localAddress }
  return new Client(t, connect({ ...to, allowHalfOpen: true, noDelay: true }))
}

async function answerTo(t: TestContext, relay: Relay, address: string, listener = 0): Promise<string> {
  const client = clientFrom(t, relay, address, listener)
  const received = await client.readToEnd()
  await client.close()
  return received
}

test('ssh-three-hosts.cfg: each port leads to its host, and idle sessions end', async (t) => {
  const [alpha, beta, gamma] = [
    await remoteThat(greets('SSH-2.0-alpha\r\n')).start(t),
    await remoteThat(greets('SSH-2.0-beta\r\n')).start(t),
    await remoteThat(greets('SSH-2.0-gamma\r\n')).start(t),
  ]
  const relay = await startExample(
    t,
    'ssh-three-hosts.cfg',
    {
      'port = 2221': ANY_PORT,
      'port = 2222': ANY_PORT,
      'port = 2223': ANY_PORT,
      'address = 192.0.2.11 port = 22': alpha.directive,
      'address = 192.0.2.12 port = 22': beta.directive,
      'address = 192.0.2.13 port = 22': gamma.directive,
      'idle timeout = 8h': 'idle timeout = 250ms',
    },
    { sockets: 3 },
  )
  for (const [listener, host] of ['alpha', 'beta', 'gamma'].entries()) {
    const client = await relay.connect({ port: relay.port(listener) })
    const banner = `SSH-2.0-${host}\r\n`
    assert.equal(await client.read(banner.length), banner)
    assert.equal(await client.ending(), 'ECONNRESET')
  }
})

test('port-range.cfg: clients reach the port that they connected to, up to the limit', async (t) => {
  const first = await freePorts(3, '127.0.0.1', '127.0.0.2')
  const ports = [first, first + 1, first + 2]
  for (const port of ports) await remoteThat(greets(String(port))).start(t, { host: '127.0.0.2', port })
  const relay = await startExample(
    t,
    'port-range.cfg',
    {
      'port = 15937-15939': `address = 127.0.0.1 port = ${first}-${first + 2}`,
      'address = 192.0.2.10': 'address = 127.0.0.2',
      'users max = 20480': 'users max = 3',
    },
    { sockets: 3 },
  )
  const clients: Client[] = []
  for (const port of ports) {
    const client = await relay.connect({ port })
    assert.equal(await client.read(String(port).length), String(port))
    clients.push(client)
  }
  // The limit is that of all ports together: this client waits for a place.
  const waiting = await relay.connect({ port: first })
  await waiting.send('first')
  await relay.logged(/limit of 3 concurrent users reached, queueing new connections/)
  assert.equal(relay.socketCount, 6)
  await clients[2]?.close()
  assert.equal(await waiting.read(String(first).length + 5), `${first}first`)
  for (const client of [...clients, waiting]) await client.close()
})

test('database-queue.cfg: clients wait for a place of the database, and not more of them than the queue takes', async (t) => {
  const [one, other] = [await CountingRemote.start(t), await CountingRemote.start(t)]
  const relay = await startExample(
    t,
    'database-queue.cfg',
    {
      'port = 5432 }\n  listen': `${ANY_PORT} }\n  listen`,
      'port = 5433': ANY_PORT,
      'address = 192.0.2.31 port = 5432': one.directive,
      'address = 192.0.2.32 port = 5432': other.directive,
      'max connections = 20': 'max connections = 1',
      'max connections = 4': 'max connections = 1',
      'size = 200 timeout = 5s': 'size = 2 timeout = 5s',
      'access log = syslog': 'access log = stderr',
    },
    { sockets: 2 },
  )
  const clients = [await relay.connect(), await relay.connect({ port: relay.port(1) })]
  await until('both places to be taken', () => one.open + other.open === 2)
  const [waiting, late, rejected] = [await relay.connect(), await relay.connect(), await relay.connect()]
  await relay.logged(/ end=queue-full/)
  for (const pair of [clients, [waiting, late]]) {
    await until('both places to be taken', () => one.open + other.open === 2)
    one.finishOne()
    other.finishOne()
    for (const client of pair) {
      await client.readToEnd()
      await client.close()
    }
  }
  await relay.logged(/ queued=\d+ end=done/, 2)
  await rejected.close()
})

test('tls-or-openvpn.cfg: TLS goes to the web server, everything else to OpenVPN', async (t) => {
  const [web, openvpn] = [await named(t, 'web'), await named(t, 'openvpn')]
  const relay = await startExample(t, 'tls-or-openvpn.cfg', {
    'port = 443 }\n}': `${ANY_PORT} }\n}`,
    'address = 192.0.2.10 port = 443': web.directive,
    'address = 192.0.2.11 port = 1194': openvpn.directive,
  })
  assert.equal(await answer(relay, await clientHello({ servername: 'www.example.com' })), 'web')
  for (const { bytes } of FIRST_BYTES.openvpn) assert.equal(await answer(relay, bytes), 'openvpn')
  assert.equal(await answer(relay, 'something else\r\n'), 'openvpn')
})

test('ssh-and-https.cfg: SSH and TLS share a port, also for SSH clients that wait for the server', async (t) => {
  const [web, ssh] = [await named(t, 'web'), await remoteThat(greets('SSH-2.0-here\r\n')).start(t)]
  const relay = await startExample(t, 'ssh-and-https.cfg', {
    'port = 443 detect': `${ANY_PORT} detect`,
    'address = 192.0.2.10 port = 443': web.directive,
    'address = 192.0.2.11 port = 22': ssh.directive,
  })
  assert.equal(await answer(relay, await clientHello({ servername: 'www.example.com' })), 'web')
  const hello = 'SSH-2.0-OpenSSH_9.2\r\n'
  const talking = await relay.connect()
  await talking.send(hello)
  assert.equal(await talking.read(14 + hello.length), `SSH-2.0-here\r\n${hello}`)
  const silent = await relay.connect()
  assert.equal(await silent.read(14), 'SSH-2.0-here\r\n')
  await talking.close()
  await silent.close()
})

test('tls-by-name.cfg: the server name selects the servers, and other clients are closed', async (t) => {
  const [www, apps, more] = [await named(t, 'www'), await named(t, 'apps'), await named(t, 'apps')]
  const relay = await startExample(t, 'tls-by-name.cfg', {
    'port = 443 tls = pass': `${ANY_PORT} tls = pass`,
    'address = 192.0.2.10 port = 443': www.directive,
    'address = 192.0.2.21 port = 443': apps.directive,
    'address = 192.0.2.22 port = 443': more.directive,
    'access log = syslog': 'access log = stderr',
  })
  const from = async (servername: string) => answer(relay, await clientHello({ servername }))
  assert.equal(await from('www.example.com'), 'www')
  assert.equal(await from('example.com'), 'www')
  for (let i = 0; i < 2; i++) assert.equal(await from('a.b.apps.example.com'), 'apps')
  assert.deepEqual([apps.acceptedCount, more.acceptedCount], [1, 1])
  assert.equal(await from('other.example.com'), '')
  assert.equal(await answer(relay, 'GET / HTTP/1.1\r\n\r\n'), '')
  await relay.logged(/ pool=www .* sni=example\.com /)
  await relay.logged(/ sni=other\.example\.com .* end=rejected-by-route rule=\S+:\d+$/)
})

test('docker-socket.cfg: permitted clients reach the Unix socket, with half-close', async (t) => {
  const path = join(temporaryFolder(t), 'docker.sock')
  // Answers after the end of the request, as `docker exec -i` needs it.
  await remoteThat((socket) => void socket.on('data', () => {}).on('end', () => socket.end('done'))).start(
    t,
    {
      path,
    },
  )
  const relay = await startExample(t, 'docker-socket.cfg', {
    'port = 2376': ANY_PORT,
    '192.0.2.0/24': '127.0.0.1/32',
    '/var/run/docker.sock': path,
  })
  const client = await relay.connect()
  await client.send('POST /exec/1/start HTTP/1.1\r\n\r\n')
  await client.endWriting()
  assert.equal(await client.readToEnd(), 'done')
  await client.close()
  await assert.rejects(clientFrom(t, relay, '127.0.0.2').exchange('GET /info HTTP/1.1\r\n\r\n'))
})

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

test('four-names.cfg: four names serve in turn, each on its port', async (t) => {
  const ends = ['a', 'b', 'c', 'd']
  const remotes = await Promise.all(ends.map((end) => remoteThat(greets(end)).start(t)))
  const changes = ends.map((end, i) => [
    `address = ${end}.example.com port = 1000${i + 1}`,
    `address = ${end}.test port = ${remotes[i]?.port}`,
  ])
  const names = new Names(t, { addresses: ['127.0.0.1'], afterMs: 0 })
  const relay = await startExample(
    t,
    'four-names.cfg',
    { 'port = 10000': ANY_PORT, ...Object.fromEntries(changes) },
    { env: names.environment },
  )
  const answers: string[] = []
  const lasting = await relay.connect()
  answers.push(await lasting.read(1))
  for (let i = 1; i < 8; i++) {
    const client = await relay.connect()
    answers.push(await client.read(1))
    await client.close()
  }
  assert.deepEqual(answers.slice(0, 4).sort(), ends)
  // In turn also where a server has more sessions than the others.
  assert.deepEqual(answers.slice(4), answers.slice(0, 4))
  await lasting.close()
})

test('standby.cfg: the standby serves only while the first server is down', async (t) => {
  const host = '127.0.0.1'
  const first = await remoteThat(says('first')).start(t, { host, port: await freePort() })
  const standby = await named(t, 'standby')
  const relay = await startExample(t, 'standby.cfg', {
    'port = 4443 }\n}': `${ANY_PORT} }\n}`,
    'address = 192.0.2.10 port = 4443': first.directive,
    'address = 192.0.2.11 port = 4443': standby.directive,
    'access log = syslog': 'access log = stderr',
  })
  for (let i = 0; i < 3; i++) assert.equal(await answer(relay), 'first')
  await first.stop()
  for (let i = 0; i < 3; i++) assert.equal(await answer(relay), 'standby')
  const back = await remoteThat(says('first')).start(t, { host, port: first.port })
  await until('clients to return', async () => (await answer(relay)) === 'first')
  assert.equal(back.acceptedCount, 1)
  assert.equal(await answer(relay), 'first')
  await relay.logged(new RegExp(` remote=127.0.0.1:${standby.port} to_remote=0 to_client=7 seconds=`))
})

test('small-timeouts.cfg: a server that does not answer costs a quarter of a second, and then nothing', async (t) => {
  const peers = rawPeers(t)
  if (peers === undefined) return
  const [silent, well] = [await peers.blackhole(), await named(t, 'two')]
  const relay = await startExample(t, 'small-timeouts.cfg', {
    'port = 20000 }\n}': `${ANY_PORT} }\n}`,
    'address = 192.0.2.11 port = 20000': silent.directive,
    'address = 192.0.2.12 port = 20000': well.directive,
    'access log = syslog': 'access log = stderr',
  })
  for (let i = 0; i < 6; i++) assert.equal(await answer(relay), 'two')
  // Below the default of ten seconds, and skipped afterwards.
  await relay.logged(/remote one is down: .*timed out/, 1, 9_000)
  await relay.logged(/ attempts=one:\S+ .*end=done/)
})

test('canary.cfg: a few clients reach the new version, and each keeps its version', async (t) => {
  const [stable, more, canary] = [await named(t, 'old'), await named(t, 'old'), await named(t, 'new')]
  const relay = await startExample(t, 'canary.cfg', {
    'listen = { port = 80 }': `listen = { ${ANY_PORT} }`,
    'address = 192.0.2.11 port = 80': stable.directive,
    'address = 192.0.2.12 port = 80': more.directive,
    'address = 192.0.2.21 port = 80': canary.directive,
  })
  const addresses = Array.from({ length: 200 }, (_, i) => `127.0.0.${i + 1}`)
  const round = async () => {
    const answers: string[] = []
    for (const address of addresses) answers.push(await answerTo(t, relay, address))
    return answers
  }
  const answers = await round()
  assert.deepEqual(await round(), answers)
  const share = answers.filter((version) => version === 'new').length / addresses.length
  assert.ok(share > 0.01 && share < 0.12, `${share} of the clients reached the new version`)
})

test('rdp-farm.cfg: a user returns to the same host, from any address and after a reload', async (t) => {
  const hosts = await Promise.all(['1', '2', '3'].map((name) => remoteThat(greets(name)).start(t)))
  const relay = await startExample(t, 'rdp-farm.cfg', {
    'listen = { port = 3389 }': `listen = { ${ANY_PORT} }`,
    ...Object.fromEntries(
      hosts.map(({ directive }, i) => [`address = 192.0.2.1${i + 1} port = 3389`, directive]),
    ),
  })
  const hostOf = async (user: string, address: string) => {
    const client = clientFrom(t, relay, address)
    await client.send(rdpRequest(`Cookie: mstshash=${user}\r\n`))
    const host = await client.read(1)
    await client.close()
    return host
  }
  const users = ['ann', 'bob', 'cid', 'dan', 'eve', 'fay']
  const allHosts = async (net: number) => {
    const found: string[] = []
    for (const [i, user] of users.entries()) found.push(await hostOf(user, `127.0.${net}.${i + 1}`))
    return found
  }
  const first = await allHosts(1)
  assert.equal(new Set(first).size, 3)
  assert.deepEqual(await allHosts(2), first)
  await reload(relay, readFileSync(relay.file, 'utf8').replace('name = rds2', 'name = rds2 weight = 0'))
  assert.deepEqual(await allHosts(3), first, 'a host without weight keeps its users')
})

test('hash-services.cfg: each service keeps a client on one server and has its own idle timeout', async (t) => {
  const started = async (...names: readonly string[]) =>
    Promise.all(names.map(async (name) => remoteThat(greets(name)).start(t)))
  const rabbits = await started('r1', 'r2', 'r3')
  const redis = await started('c1', 'c2')
  const postgres = await started('p1', 'p2')
  const at = (remotes: readonly Remote[], tens: number, port: number) =>
    remotes.map(({ directive }, i) => [`address = 192.0.2.${tens}${i + 1} port = ${port}`, directive])
  const relay = await startExample(
    t,
    'hash-services.cfg',
    {
      'port = 5672 pool': `${ANY_PORT} pool`,
      'port = 6379 pool': `${ANY_PORT} pool`,
      'port = 5432 pool': `${ANY_PORT} pool`,
      ...Object.fromEntries([...at(rabbits, 1, 5672), ...at(redis, 2, 6379), ...at(postgres, 3, 5432)]),
      'idle timeout = 60m': 'idle timeout = 250ms',
    },
    { sockets: 3 },
  )
  const clientsOf = (remote: Remote) => remote.acceptedCount
  for (let i = 0; i < 4; i++) {
    for (const [listener, byteCount] of [2, 2, 2].entries()) {
      const client = await relay.connect({ port: relay.port(listener) })
      await client.read(byteCount)
      await client.close()
    }
  }
  for (const remotes of [rabbits, redis, postgres])
    assert.deepEqual(
      remotes.map(clientsOf).filter((count) => count > 0),
      [4],
    )
  for (let i = 1; i <= 20; i++) {
    const other = clientFrom(t, relay, `127.0.1.${i}`)
    await other.read(2)
    await other.close()
  }
  assert.ok(rabbits.every((remote) => clientsOf(remote) > 0))
  const [lasting, idle] = [await relay.connect(), await relay.connect({ port: relay.port(1) })]
  await lasting.read(2)
  assert.equal(await idle.ending(), 'ECONNRESET')
  assert.equal(await lasting.exchange('still here'), 'still here')
  await until('keepalive on both sides', () => keptAliveCountOf(relay.pid) === 2)
  await lasting.close()
})

test('mail.cfg: each port of a server gets the address of the client, and the client the same server again', async (t) => {
  const hosts = ['127.0.0.25', '127.0.0.26']
  const first = await freePorts(3, '127.0.0.1', ...hosts)
  const ports = [first, first + 1, first + 2]
  for (const host of hosts)
    for (const port of ports)
      await remoteThat((socket) => {
        socket.once('data', (bytes: Buffer) => socket.end(`${host} ${port} ${bytes}`))
      }).start(t, { host, port })
  const relay = await startExample(
    t,
    'mail.cfg',
    {
      'name = mail port = 25,587,993': `name = mail address = 127.0.0.1 port = ${ports}`,
      'address = 192.0.2.25 port = 25,587,993': `address = ${hosts[0]} port = ${ports}`,
      'address = 192.0.2.26 port = 25,587,993': `address = ${hosts[1]} port = ${ports}`,
    },
    { sockets: 3 },
  )
  const servers = new Set<string>()
  for (const port of ports) {
    const client = await relay.connect({ port })
    const from = (client.socket.address() as AddressInfo).port
    const [host = '', at, ...header] = (await client.readToEnd()).split(' ')
    servers.add(host)
    assert.deepEqual(
      [at, header.join(' ')],
      [`${port}`, `PROXY TCP4 127.0.0.1 127.0.0.1 ${from} ${port}\r\n`],
    )
  }
  assert.equal(servers.size, 1)
})

test('proxy-chain.cfg: the server gets a header with the addresses of the client, and others than the balancer are refused', async (t) => {
  const server = await remoteThat((socket) => {
    socket.once('data', (bytes: Buffer) => {
      const { destination, source, sourcePort } = readProxy(bytes)
      socket.end(`${source} ${sourcePort} ${destination}`)
    })
  }).start(t)
  const relay = await startExample(t, 'proxy-chain.cfg', {
    'port = 12345 proxy protocol': 'address = 127.0.0.1 port = 0 proxy protocol',
    'proxy from = 192.0.2.0/24': 'proxy from = 127.0.0.2',
    'access log = syslog': 'access log = stderr',
    'address = 192.0.2.61 port = 12345': `address = 127.0.0.1 port = ${server.port}`,
  })
  const balancer = await relay.connect({ localAddress: '127.0.0.2' })
  await balancer.send(v1Header({ source: '198.51.100.9', port: 7 }))
  assert.equal(await balancer.readToEnd(), '198.51.100.9 7 192.0.2.1')
  await balancer.close()
  await relay.logged(/client=198\.51\.100\.9:7 via=127\.0\.0\.2:\d+ .*end=done/)
  const other = await relay.connect({ localAddress: '127.0.0.3' })
  await other.ending()
  await relay.logged(/client=127\.0\.0\.3:\d+ .*end=rejected rule=proxy-from/)
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
