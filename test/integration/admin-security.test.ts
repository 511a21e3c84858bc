/** What the administration refuses: clients without a token or of a low level, browsers, and requests that are too large or slow. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { statSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ADMINISTRATION, type AdminRequest, adminPath, requestAdmin } from '../harness/admin.js'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'

const TOKENS = {
  read: 'reader-0123456789',
  operate: 'operator-0123456789',
  admin: 'admin-0123456789',
} as const
type Level = keyof typeof TOKENS

interface Served {
  readonly relay: Relay
  readonly port: number
}

async function served(t: TestContext): Promise<Served> {
  const remote = await remoteThat(echoes).start(t)
  const file = join(temporaryFolder(t), 'tokens')
  const lines = Object.entries(TOKENS).map(([level, token]) => `${level} ${token}\n`)
  writeFileSync(file, lines.join(''), { mode: 0o600 })
  const place = `address = 127.0.0.1 port = 0 token file = ${file} host name = relay.test`
  const relay = await relayTo(remote.with('name = a')).withMaster(`admin = { ${place} }`).start(t)
  const [, name = ''] = await relay.logged(ADMINISTRATION)
  return { relay, port: Number(name.split(':')[1]) }
}

const bearer = (level: Level) => ({ authorization: `Bearer ${TOKENS[level]}` })

test('a client by TCP is refused without a token of the right level, and for a page of another site', async (t) => {
  const { port, relay } = await served(t)
  const statusOf = async (path: string, options: AdminRequest) =>
    (await requestAdmin({ port }, path, options)).status
  const ask = (headers: Record<string, string>, path = '/api/v1/status') => statusOf(path, { headers })
  assert.equal(await ask(bearer('read')), 200)
  assert.equal(await ask(bearer('admin')), 200)
  assert.equal(await ask(bearer('read'), '/metrics'), 200)
  for (const authorization of [
    'Bearer wrong-0123456789',
    `Basic ${TOKENS.read}`,
    'Bearer',
    `Bearer ${TOKENS.read}x`,
  ]) {
    assert.equal(await ask({ authorization }), 401, authorization)
    assert.equal(await ask({ authorization }, '/metrics'), 401, authorization)
    assert.equal(await ask({ authorization }, '/nowhere'), 401, authorization)
  }
  assert.equal(await ask({}), 401)
  assert.equal(await ask({}, `/api/v1/status?token=${TOKENS.admin}`), 401)
  for (const host of [`127.0.0.1:${port}`, `[::1]:${port}`, 'localhost', 'RELAY.test:80'])
    assert.equal(await ask({ ...bearer('read'), host }), 200, host)
  for (const host of ['attacker.test', 'relay.test.attacker.test', 'relay.test@attacker.test', 'a b'])
    assert.equal(await ask({ ...bearer('read'), host }), 403, host)
  const host = `127.0.0.1:${port}`
  assert.equal(await ask({ ...bearer('read'), host, origin: `http://${host}` }), 200)
  for (const origin of ['http://attacker.test', 'null', `http://127.0.0.1:${port + 1}`, `http://x@${host}`])
    assert.equal(await ask({ ...bearer('read'), host, origin }), 403, origin)
  assert.equal(await ask(bearer('admin'), '/api/v1/nothing'), 404)
  assert.equal(await ask(bearer('admin'), '/../../etc/passwd'), 404)
  assert.equal(await ask(bearer('admin'), '/api/v1/status?unknown=1'), 400)
  assert.equal(await ask(bearer('admin'), '/api/v1/health'), 400)
  assert.equal(await statusOf('/api/v1/status', { method: 'POST', headers: bearer('admin') }), 405)
  const { text } = relay.program.stderr
  assert.match(text, /rejected a request of administrator 127\.0\.0\.1:\d+: the token is missing or unknown/)
  for (const token of Object.values(TOKENS)) assert.ok(!text.includes(token), 'no token is logged')
})

test('requests that are too large are refused', async (t) => {
  const { port } = await served(t)
  const large = { headers: bearer('admin'), method: 'POST', values: { name: 'x'.repeat(100_000) } } as const
  assert.equal((await requestAdmin({ port }, '/api/v1/drain', large)).status, 413)
  assert.equal(await anonymousUpload(t, port, 10_000_000), 401)
  const header = { headers: { ...bearer('read'), 'x-long': 'x'.repeat(10_000) } }
  assert.equal((await requestAdmin({ port }, '/api/v1/status', header)).status, 431)
  assert.equal(
    (await requestAdmin({ port }, `/${'x'.repeat(4_000)}`, { headers: bearer('read') })).status,
    404,
  )
})

/** The status for an upload without a token, of which the server reads only the head. */
async function anonymousUpload(t: TestContext, port: number, bytes: number): Promise<number | undefined> {
  const headers = { 'content-type': 'application/json', 'content-length': String(bytes) }
  const upload = httpRequest({
    host: '127.0.0.1',
    port,
    path: '/api/v1/drain',
    method: 'POST',
    agent: false,
    headers,
  })
  afterwards(t, () => void upload.destroy())
  upload.on('error', () => {})
  upload.write('x'.repeat(1_000))
  const [{ statusCode }] = await once(upload, 'response')
  return statusCode
}

test('the Unix socket has its mode, replaces the file of a process that has died, and is removed at the end', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const path = adminPath(t)
  const plan = relayTo(remote).withMaster(`admin = { path = ${path} mode = 0620 }`)
  const first = await plan.start(t)
  assert.equal(statSync(path).mode & 0o777, 0o620)
  const second = plan.start(t)
  first.signal('SIGKILL')
  await first.ended()
  const relay = await second
  assert.equal((await requestAdmin({ socketPath: path }, '/api/v1/status')).status, 200)
  relay.signal('SIGTERM')
  assert.equal((await relay.ended()).code, 0)
  assert.throws(() => statSync(path), { code: 'ENOENT' })
})
