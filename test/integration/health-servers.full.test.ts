import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { ProbeCheck, RedisCheck } from '../../src/health/probe-checks.js'
import type { SessionPlan } from '../../src/health/probe-session.js'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { freePort } from '../harness/free-ports.js'
import { needs } from '../harness/needs.js'
import { answers } from '../harness/nginx.js'
import { Program } from '../harness/program.js'
import { until } from '../harness/until.js'
import { checkAt, SOON } from '../support/checked.js'

/** A real server in the foreground. */
class Server {
  readonly #t: TestContext
  readonly #command: readonly string[]
  readonly port: number
  #program: Program | undefined

  constructor(t: TestContext, port: number, command: readonly string[]) {
    this.#t = t
    this.port = port
    this.#command = command
  }

  /** Starts it, also after `stop`. */
  async start(): Promise<this> {
    const program = new Program(this.#t, this.#command)
    this.#program = program
    // Not killed at once: processes of Postfix outlive their master by minutes.
    afterwards(this.#t, async () => {
      program.signal('SIGTERM')
      await program.ended()
    })
    await until('the server to accept', async () => {
      if (program.hasEnded) throw new Error(`it has ended: ${program.stderr.text}${program.stdout.text}`)
      return answers(this.port)
    })
    return this
  }

  signal(signal: NodeJS.Signals): void {
    this.#program?.signal(signal)
  }

  async stop(): Promise<void> {
    this.signal('SIGTERM')
    await this.#program?.ended()
  }

  check(check: ProbeCheck, plan?: SessionPlan): Promise<string> {
    return checkAt({ family: 'ipv4', host: '127.0.0.1', port: this.port }, check, plan)
  }
}

/** Hangs, goes on, stops and is started again. */
async function comesAndGoes(server: Server, check: ProbeCheck, up: string, hanging: string): Promise<void> {
  assert.equal(await server.check(check), up)
  server.signal('SIGSTOP')
  assert.equal(await server.check(check, SOON), hanging)
  server.signal('SIGCONT')
  assert.equal(await server.check(check), up)
  await server.stop()
  assert.equal(await server.check(check), 'down: connection refused')
  await server.start()
  assert.equal(await server.check(check), up)
}

const PING: RedisCheck = { type: 'redis', user: undefined, password: undefined, role: 'any' }

async function redis(t: TestContext, ...options: readonly string[]): Promise<Server> {
  const [folder, port] = [temporaryFolder(t), await freePort()]
  const words = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--save', '', ...options]
  return new Server(t, port, ['redis-server', ...words]).start()
}

test('redis: up, hanging, stopped and started again', async (t) => {
  if (!needs(t, 'redis-server')) return
  const server = await redis(t)
  const send = (bytes: string) => ({ kind: 'send', bytes }) as const
  const expect = (source: string) =>
    ({ kind: 'expect', sought: { kind: 'bytes', source, shown: `"${source}"` } }) as const
  const byExpect: ProbeCheck = { type: 'expect', steps: [send('PING\r\n'), expect('+PONG')] }
  assert.equal(await server.check(byExpect), 'up: ')
  await comesAndGoes(server, PING, 'up: ', 'down: no reply to PING within 0.4 s')
})

test('redis: passwords and users', async (t) => {
  if (!needs(t, 'redis-server')) return
  const server = await redis(t, '--requirepass', 'secret', '--user', 'probe', 'on', '>other', '+ping')
  assert.equal(await server.check(PING), 'down: it answers "NOAUTH Authentication required." to PING')
  assert.equal(await server.check({ ...PING, password: 'secret', role: 'master' }), 'up: role master')
  assert.match(
    await server.check({ ...PING, password: 'wrong' }),
    /^down: it answers "WRONGPASS .*" to AUTH$/,
  )
  const probe = { ...PING, user: 'probe', password: 'other' }
  assert.equal(await server.check(probe), 'up: ')
  assert.match(await server.check({ ...probe, role: 'master' }), /^down: it answers "NOPERM .*" to INFO$/)
})

test('redis: a replica, its connection to the master, and a promotion', async (t) => {
  if (!needs(t, 'redis-server', 'redis-cli')) return
  const master = await redis(t)
  const replica = await redis(t, '--replicaof', `127.0.0.1 ${master.port}`)
  const asReplica: RedisCheck = { ...PING, role: 'replica' }
  const asMaster: RedisCheck = { ...PING, role: 'master' }
  await until(
    'the replica to be connected',
    async () => (await replica.check(asReplica)) === 'up: role replica',
  )
  assert.equal(await replica.check(asMaster), 'down: role replica, expected master')
  assert.equal(await master.check(asReplica), 'down: role master, expected replica')
  await master.stop()
  await until('the warning', async () => {
    return /^up: role replica, but its connection to the master is "connect/.test(
      await replica.check(asReplica),
    )
  })
  spawnSync('redis-cli', ['-p', String(replica.port), 'REPLICAOF', 'NO', 'ONE'])
  assert.equal(await replica.check(asMaster), 'up: role master')
})

function httpCheck(path: string, body?: string): ProbeCheck {
  return {
    type: 'http',
    request: `GET ${path} HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n`,
    isHead: false,
    statuses: [{ first: 200, last: 399 }],
    body: body === undefined ? undefined : { kind: 'bytes', source: body, shown: `"${body}"` },
  }
}

async function nginx(t: TestContext, listen = ''): Promise<Server> {
  const [folder, port] = [temporaryFolder(t), await freePort()]
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  const file = join(folder, 'nginx.conf')
  writeFileSync(join(folder, 'page.txt'), `${'line\n'.repeat(5_000)}a page`)
  writeFileSync(
    file,
    `daemon off; master_process off; pid ${folder}/pid; error_log stderr; events {}
    http {
      access_log off; ${temporary} gzip on; gzip_min_length 1;
      server {
        listen 127.0.0.1:${port} ${listen}; root ${folder};
        location = /down { return 503 "not now"; }
        location = /chunked { ssi on; ssi_types *; try_files /page.txt =404; }
      }
    }`,
  )
  return new Server(t, port, ['nginx', '-p', folder, '-c', file, '-e', 'stderr']).start()
}

test('nginx: up, wrong status, wrong body, hanging, stopped and started again', async (t) => {
  if (!needs(t, 'nginx')) return
  const server = await nginx(t)
  assert.equal(await server.check(httpCheck('/down')), 'down: HTTP 503, expected 200-399')
  assert.equal(await server.check(httpCheck('/none')), 'down: HTTP 404, expected 200-399')
  assert.equal(await server.check(httpCheck('/page.txt', 'a page')), 'up: HTTP 200')
  assert.equal(await server.check(httpCheck('/chunked', 'a page')), 'up: HTTP 200')
  assert.equal(
    await server.check(httpCheck('/page.txt', 'no such')),
    'down: HTTP 200, but its body has no "no such"',
  )
  assert.match(await server.check(PING), /^down: bad reply to PING: "HTTP\/1\.1 400 /)
  await comesAndGoes(server, httpCheck('/page.txt'), 'up: HTTP 200', 'down: no HTTP response within 0.4 s')
})

/** The results of checks with the header in both versions, and without one. */
async function withProxy(server: Server): Promise<readonly string[]> {
  const results: string[] = []
  for (const sendProxy of ['v1', 'v2', undefined] as const)
    results.push(await server.check(httpCheck('/page.txt'), { sendProxy, timeoutMs: 2_000 }))
  return results
}

test('nginx takes the PROXY header of a check', async (t) => {
  if (!needs(t, 'nginx')) return
  const [v1, v2, none] = await withProxy(await nginx(t, 'proxy_protocol'))
  assert.deepEqual([v1, v2], ['up: HTTP 200', 'up: HTTP 200'])
  assert.match(none ?? '', /^down: /)
})

test('haproxy takes the PROXY header of a check', async (t) => {
  if (!needs(t, 'haproxy')) return
  const [folder, port] = [temporaryFolder(t), await freePort()]
  const file = join(folder, 'haproxy.cfg')
  const section = `bind 127.0.0.1:${port} accept-proxy\n  mode http\n  http-request return status 200\n`
  writeFileSync(
    file,
    `defaults\n  timeout client 9s\n  timeout server 9s\n  timeout connect 9s\nfrontend f\n  ${section}`,
  )
  const [v1, v2, none] = await withProxy(await new Server(t, port, ['haproxy', '-db', '-f', file]).start())
  assert.deepEqual([v1, v2], ['up: HTTP 200', 'up: HTTP 200'])
  assert.match(none ?? '', /^down: /)
})

/** Postfix with its SMTP server alone, by its master daemon. */
async function postfix(t: TestContext, ...lines: readonly string[]): Promise<Server> {
  const [folder, port] = [temporaryFolder(t), await freePort()]
  const [configuration, queue, data] = ['etc', 'queue', 'data'].map((name) => join(folder, name))
  if (configuration === undefined || queue === undefined || data === undefined) throw new Error('no folders')
  chmodSync(folder, 0o755)
  const inQueue = ['pid', 'public', 'private', 'incoming', 'active', 'maildrop'].map((name) =>
    join(queue, name),
  )
  for (const made of [configuration, queue, data, ...inQueue]) mkdirSync(made)
  spawnSync('chown', ['postfix', data, ...inQueue.slice(1)])
  const settings = [
    'compatibility_level = 3.6',
    `queue_directory = ${queue}`,
    `data_directory = ${data}`,
    'inet_protocols = ipv4',
    'inet_interfaces = 127.0.0.1',
    'myhostname = mx.example.test',
    'mydestination =',
    'smtpd_client_connection_count_limit = 0',
    'smtpd_client_connection_rate_limit = 0',
    'smtpd_delay_reject = no',
    ...lines,
  ]
  const services = [
    `127.0.0.1:${port} inet n - n - - smtpd`,
    'rewrite unix - - n - - trivial-rewrite',
    'proxymap unix - - n - - proxymap',
  ]
  writeFileSync(join(configuration, 'main.cf'), `${settings.join('\n')}\n`)
  writeFileSync(join(configuration, 'master.cf'), `${services.join('\n')}\n`)
  return new Server(t, port, ['/usr/lib/postfix/sbin/master', '-d', '-c', configuration]).start()
}

const SMTP: ProbeCheck = { type: 'smtp', helo: 'relay.example.test' }

/** Postfix wants to be started by root, and has a user of its own. */
function canRunPostfix(t: TestContext): boolean {
  if (!needs(t, 'postfix')) return false
  if (process.getuid?.() === 0) return true
  t.skip('postfix must be started by root')
  return false
}

test('postfix: up, stopped and started again', async (t) => {
  if (!canRunPostfix(t)) return
  const server = await postfix(t)
  assert.equal(await server.check(SMTP), 'up: ')
  await server.stop()
  await until('its port to be closed', async () => !(await answers(server.port)))
  assert.equal(await server.check(SMTP), 'down: connection refused')
  await server.start()
  assert.equal(await server.check(SMTP), 'up: ')
})

test('postfix: a client that it rejects', async (t) => {
  if (!canRunPostfix(t)) return
  const server = await postfix(t, 'smtpd_client_restrictions = reject')
  assert.match(
    await server.check(SMTP),
    /^down: greeting "554 5\.7\.1 <.*>: Client host rejected.*", expected 220$/,
  )
})

test('a server that speaks another protocol', async (t) => {
  if (!canRunPostfix(t) || !needs(t, 'redis-server')) return
  const mail = await postfix(t)
  assert.match(
    await mail.check(httpCheck('/')),
    /^down: bad HTTP response, it is not HTTP\/1: "220 mx\.example\.test/,
  )
  assert.match(await mail.check(PING), /^down: bad reply to PING: "220 mx/)
  const store = await redis(t)
  assert.match(await store.check(httpCheck('/')), /^down: (bad HTTP response|it closed)/)
  assert.equal(await store.check(SMTP, SOON), 'down: no greeting within 0.4 s')
})
