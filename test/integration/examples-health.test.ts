/** The examples with health checks serve the cases that their comments describe. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { type TestContext, test } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { startExample } from '../harness/example.js'
import { freePort, freePorts } from '../harness/free-ports.js'
import type { Relay } from '../harness/relay.js'
import { greets, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

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
