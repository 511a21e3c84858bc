/** The examples with health checks serve the cases that their comments describe. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { startExample } from '../harness/example.js'
import { freePort, freePorts } from '../harness/free-ports.js'
import type { Relay } from '../harness/relay.js'
import { type Behaviour, greets, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { rdpRequest } from '../support/first-bytes.js'

const ANY_PORT = 'address = 127.0.0.1 port = 0'
/** The time limit of a check is long, because a busy machine is no failure. */
const OFTEN = 'interval = 50ms timeout = 10s'

/** What a client receives first. */
async function banner(relay: Relay, length: number, listener = 0): Promise<string> {
  const client = await relay.connect({ port: relay.port(listener) })
  const received = await client.read(length)
  await client.close()
  return received
}

/** A web server whose paths answer with the statuses that `statusOf` has at that moment. */
async function webServer(
  t: TestContext,
  host: string,
  port: number,
  statusOf: (path: string) => number,
): Promise<void> {
  const server = createServer((request, response) => {
    response.writeHead(statusOf(request.url ?? '')).end()
  })
  await new Promise<void>((resolve) => server.listen(port, host, resolve))
  afterwards(t, () => {
    server.closeAllConnections()
    return new Promise<void>((resolve) => server.close(() => resolve()))
  })
}

test('patroni.cfg: clients follow the leader, and sessions with a demoted one are closed', async (t) => {
  const hosts = ['127.0.0.11', '127.0.0.12', '127.0.0.13']
  const postgres = await freePorts(1, ...hosts)
  const patroni = await freePorts(1, ...hosts)
  let leader = 1
  for (const [i, host] of hosts.entries()) {
    await remoteThat(greets(`pg${i + 1}`)).start(t, { host, port: postgres })
    await webServer(t, host, patroni, (path) => {
      return (path === '/primary') === (leader === i + 1) ? 200 : 503
    })
  }
  const relay = await startExample(
    t,
    'patroni.cfg',
    {
      'port = 5000': ANY_PORT,
      'port = 5001': ANY_PORT,
      'port = 8008': `port = ${patroni}`,
      'interval = 3s': OFTEN,
      'access log = syslog': 'access log = stderr',
      ...Object.fromEntries(
        hosts.map((host, i) => [
          `address = 192.0.2.1${i + 1} port = 5432`,
          `address = ${host} port = ${postgres}`,
        ]),
      ),
    },
    { sockets: 2 },
  )
  await relay.logged(/remote pg\S*( \(pool replicas\))? is down: health check: HTTP 503, expected 200/, 3)
  assert.equal(await banner(relay, 3), 'pg1')
  assert.deepEqual(new Set([await banner(relay, 3, 1), await banner(relay, 3, 1)]), new Set(['pg2', 'pg3']))
  const writing = await relay.connect()
  assert.equal(await writing.read(3), 'pg1')
  leader = 2
  assert.equal(await writing.ending(), 'ECONNRESET')
  await writing.close()
  await relay.logged(/ end=remote-down/)
  await relay.logged(/remote pg2 is up again/)
  assert.equal(await banner(relay, 3), 'pg2')
  await relay.logged(/remote pg1 \(pool replicas\) is up again/)
})

test('cockroach.cfg: a node that does not accept connections gets none', async (t) => {
  const gone = await freePort()
  const [second, third] = [await remoteThat(says('2')).start(t), await remoteThat(says('3')).start(t)]
  const relay = await startExample(t, 'cockroach.cfg', {
    'listen = { port = 26257 }': `listen = { ${ANY_PORT} }`,
    'address = roach1.test port = 26257': `address = 127.0.0.1 port = ${gone}`,
    'address = roach2.test port = 26257': second.directive,
    'address = roach3.test port = 26257': third.directive,
    'interval = 2s': OFTEN,
  })
  await relay.logged(/is down: health check: connection refused/)
  const answers = [await banner(relay, 1), await banner(relay, 1)]
  assert.deepEqual(new Set(answers), new Set(['2', '3']))
})

test('rabbitmq.cfg: a UI that fails does not take AMQP away', async (t) => {
  const hosts = ['127.0.0.21', '127.0.0.22']
  const amqp = await freePorts(1, ...hosts)
  const ui = await freePorts(1, ...hosts)
  let uiStatus = 200
  for (const host of hosts) {
    await remoteThat(greets('AMQP\0\0\x09\x01')).start(t, { host, port: amqp })
    await webServer(t, host, ui, () => uiStatus)
  }
  const relay = await startExample(
    t,
    'rabbitmq.cfg',
    {
      'listen = { name = amqp port = 5672': `listen = { name = amqp ${ANY_PORT}`,
      'listen = { name = ui port = 15672': `listen = { name = ui ${ANY_PORT}`,
      ...Object.fromEntries(
        hosts.flatMap((host, i) => [
          [`address = 192.0.2.2${i + 1} port = 5672`, `address = ${host} port = ${amqp}`],
          [`address = 192.0.2.2${i + 1} port = 15672`, `address = ${host} port = ${ui}`],
        ]),
      ),
      'interval = 5s': OFTEN,
    },
    { sockets: 2 },
  )
  uiStatus = 500
  await relay.logged(/is down: health check: HTTP 500/, 2)
  assert.equal(await banner(relay, 4), 'AMQP')
  uiStatus = 401
  await relay.logged(/is up again/, 2)
  assert.equal(relay.program.stderr.matching(/is down: health check: (?!HTTP)/).length, 0)
})

test('k8s-apiserver.cfg: a master that fails gets no clients, and its share over a minute when it is back', async (t) => {
  const port = await freePort()
  const other = await remoteThat(says('2')).start(t)
  const relay = await startExample(t, 'k8s-apiserver.cfg', {
    'listen = { port = 6443 }': `listen = { ${ANY_PORT} }`,
    'address = 192.0.2.31 port = 6443': `address = 127.0.0.1 port = ${port}`,
    'address = 192.0.2.32 port = 6443': other.directive,
    'interval = 10s down interval = 5s': `${OFTEN} down interval = 50ms`,
  })
  await relay.logged(/remote master1 is down/)
  for (let i = 0; i < 3; i++) assert.equal(await banner(relay, 1), '2')
  await remoteThat(says('1')).start(t, { host: '127.0.0.1', port })
  await relay.logged(/remote master1 is up again.*slow start over 60 s/)
  await until('a client of the first master', async () => (await banner(relay, 1)) === '1')
})

test('remote-desktop.cfg: a user has one server, and the other one while that is down', async (t) => {
  const hosts = ['127.0.0.11', '127.0.0.12']
  const port = await freePorts(1, ...hosts)
  const servers = [await saysHost(t, hosts[0] ?? '', port), await saysHost(t, hosts[1] ?? '', port)]
  const relay = await startExample(t, 'remote-desktop.cfg', {
    'port = 3389 detect': `${ANY_PORT} detect`,
    'address = 192.0.2.11 port = 3389': `address = ${hosts[0]} port = ${port}`,
    'address = 192.0.2.12 port = 3389': `address = ${hosts[1]} port = ${port}`,
    'interval = 2s': OFTEN,
  })
  const hostOf = async (user: string) => {
    const client = await relay.connect()
    // In two parts: the cookie is awaited.
    const request = rdpRequest(`Cookie: mstshash=${user}\r\n`)
    await client.send(request.subarray(0, 9))
    await client.send(request.subarray(9))
    const host = await client.readToEnd()
    await client.close()
    return host
  }
  const before = await hostOf('ann')
  for (let i = 0; i < 3; i++) assert.equal(await hostOf('ann'), before)
  assert.notEqual(await hostOf('bob'), before)
  const index = hosts.indexOf(before)
  await servers[index]?.stop()
  await relay.logged(new RegExp(`remote ts${index + 1} is down: health check`))
  const after = await hostOf('ann')
  assert.deepEqual(new Set([before, after]), new Set(hosts))
  await saysHost(t, before, port)
  await relay.logged(new RegExp(`remote ts${index + 1} is up again`))
})

/** A server that says its address when a client has spoken; checks do not. */
const saysHost = (t: TestContext, host: string, port: number) =>
  remoteThat((socket) => void socket.once('data', () => socket.end(host))).start(t, { host, port })

test('apiserver-passive.cfg: three failures exclude a server, and no client fails', async (t) => {
  const gone = await freePort()
  const [second, third] = [await remoteThat(says('2')).start(t), await remoteThat(says('3')).start(t)]
  const relay = await startExample(t, 'apiserver-passive.cfg', {
    'listen = { port = 16443 }': `listen = { ${ANY_PORT} }`,
    'address = 192.0.2.31 port = 6443': `address = 127.0.0.1 port = ${gone}`,
    'address = 192.0.2.32 port = 6443': second.directive,
    'address = 192.0.2.33 port = 6443': third.directive,
    // The server is tried again at once, so that it fails three times.
    'back-off first = 30s': 'back-off first = 1ms',
    'back-off max = 30s': 'back-off max = 1ms',
  })
  let answers = ''
  while (!/remote master1 is down/.test(relay.program.stderr.text)) answers += await banner(relay, 1)
  assert.match(answers, /^[23]+$/)
})

/** A packet of MySQL. */
function packet(sequence: number, payload: string): Buffer {
  return Buffer.concat([Buffer.of(payload.length, 0, 0, sequence), Buffer.from(payload, 'latin1')])
}

/** Greets with its version; a login without a password succeeds if the server is well. */
function mysqlServer(version: string, isWell: () => boolean, users: string[]): Behaviour {
  const salt = `${'\0'.repeat(4)}12345678\0\x01\x82\x21\x02\0\x08\0\x15${'\0'.repeat(10)}123456789012\0`
  return (socket) => {
    socket.write(packet(0, `\x0a${version}\0${salt}mysql_native_password\0`))
    socket.once('data', (login: Buffer) => {
      users.push(login.toString('latin1', 36, login.indexOf(0, 36)))
      socket.write(isWell() ? packet(2, '\0\0\0\x02\0\0\0') : packet(2, '\xff\x15\x04#28000Access denied'))
    })
    socket.on('end', () => socket.end())
  }
}

test('mysql-cluster.cfg: servers in turn, without one whose login fails, and a line for each client', async (t) => {
  const users: string[] = []
  const servers = await Promise.all(
    ['8.1', '8.2', '8.3'].map((version) =>
      remoteThat(mysqlServer(version, () => version !== '8.2', users)).start(t),
    ),
  )
  const relay = await startExample(t, 'mysql-cluster.cfg', {
    'port = 3306 tcp': `${ANY_PORT} tcp`,
    'type = mysql user': `type = mysql ${OFTEN} user`,
    'access log = syslog': 'access log = stderr',
    ...Object.fromEntries(
      servers.map(({ directive }, i) => [`address = 192.0.2.3${i + 1} port = 3306`, directive]),
    ),
  })
  await relay.logged(/remote db2 is down: health check: .*Access denied/)
  const versions: string[] = []
  for (let i = 0; i < 4; i++) versions.push((await banner(relay, 8)).slice(5))
  assert.deepEqual(versions.slice(0, 2).sort(), ['8.1', '8.3'])
  assert.deepEqual(versions.slice(2), versions.slice(0, 2))
  assert.deepEqual(new Set(users), new Set(['haproxy']))
  await relay.logged(/ remote=db[13] .*end=/, 4)
})
