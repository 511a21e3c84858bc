/** A running relay is asked: every number after a scripted load, over a reload and the death of a child. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { type AdminPlace, adminPath, askAdmin, requestAdmin, tcprelayctl } from '../harness/admin.js'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { Master } from '../harness/master.js'
import { MODES, type Running } from '../harness/modes.js'
import { type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, type Remote, remoteThat } from '../harness/remote.js'
import { identityFiles, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'
import { parseOpenMetrics } from '../support/open-metrics.js'

const SENT = 'hello'
const ANY_PORT = 'address = 127.0.0.1 port = 0'

/** The first remote is always tried first and refuses; the second one echoes. */
function plan(path: string, closed: number, remote: Remote, port: number): RelayPlan {
  return relayTo()
    .listeningOn(`name = front address = 127.0.0.1 port = ${port}`)
    .withMaster(`admin = { path = ${path} }`)
    .with(
      `remote = { name = refusing address = 127.0.0.1 port = ${closed} }`,
      `remote = { name = echoing ${remote.directive} }`,
      'balance = first',
      // Each worker tries the first remote once.
      'back-off first = 1h',
      'back-off max = 1h',
    )
}

/** That many sessions, one after the other, each with five bytes there and back. */
async function load(t: TestContext, running: Running, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const client = await Client.connect(t, { port: running.port() })
    await client.send(SENT)
    assert.equal(await client.read(SENT.length), SENT)
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    await client.close()
  }
}

/** Waits until so many sessions have ended, as the relay counts them. */
async function ended(place: AdminPlace, count: number): Promise<void> {
  await until(`${count} sessions to end`, async () => {
    const { ended, sessions } = await askAdmin(place, 'status')
    return ended === count && sessions === 0
  })
}

interface Expected {
  readonly sessions: number
  /** Attempts at the remote that refuses. */
  readonly refused: number
  readonly reloads: number
}

/** Compares all faces: the operations, and the metrics. */
async function hasCounted(place: AdminPlace, { refused, reloads, sessions }: Expected): Promise<void> {
  const bytes = sessions * SENT.length
  const traffic = { bytesToRemote: bytes, bytesToClient: bytes }
  const status = await askAdmin(place, 'status')
  const expected = {
    accepted: sessions,
    ended: sessions,
    notServed: 0,
    queued: 0,
    ...traffic,
    reloads,
    remotes: 2,
    remotesUp: 1,
  }
  assert.deepEqual({ ...status, ...expected }, status)
  const { listeners } = await askAdmin(place, 'listeners')
  const none = { rejected: 0, turnedAway: 0, notServed: 0, denied: 0 }
  const front = {
    name: 'front',
    isBound: true,
    sessions: 0,
    accepted: sessions,
    ended: sessions,
    ...none,
    ...traffic,
  }
  assert.deepEqual([{ ...listeners[0], ...front }], listeners)
  const { remotes } = await askAdmin(place, 'remotes')
  const [refusing, echoing] = remotes
  const idle = { taken: 0, ended: 0, bytesToRemote: 0, bytesToClient: 0, resets: 0, lost: 0, sessions: 0 }
  assert.deepEqual(
    { ...refusing, name: 'refusing', isUp: false, attempts: refused, attemptsFailed: refused, ...idle },
    refusing,
  )
  const busy = { attempts: sessions, attemptsFailed: 0, taken: sessions, ended: sessions, ...traffic }
  assert.deepEqual(
    { ...echoing, name: 'echoing', isUp: true, sessions: 0, resets: 0, lost: 0, ...busy },
    echoing,
  )
  const { pools } = await askAdmin(place, 'pools')
  const pool = {
    name: 'default',
    policy: 'first',
    remotes: 2,
    remotesUp: 1,
    isPanic: false,
    sessions: 0,
    queued: 0,
  }
  assert.deepEqual(pools, [pool])
  await areMetrics(place, sessions, refused, reloads)
}

async function areMetrics(
  place: AdminPlace,
  sessions: number,
  refused: number,
  reloads: number,
): Promise<void> {
  const { headers, text } = await requestAdmin(place, '/metrics')
  assert.equal(headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  const families = parseOpenMetrics(text)
  const samplesOf = (name: string) => Object.fromEntries(families.get(`tcprelay_${name}`)?.samples ?? [])
  const bytes = sessions * SENT.length
  const [echoing, refusing] = ['{pool="default",remote="echoing"}', '{pool="default",remote="refusing"}']
  assert.deepEqual(samplesOf('connections'), { '{listener="front"}': sessions })
  assert.deepEqual(samplesOf('connections_current'), { '{listener="front"}': 0 })
  assert.deepEqual(samplesOf('sessions_ended'), { '{listener="front"}': sessions })
  assert.deepEqual(samplesOf('bytes'), {
    '{direction="to_client",listener="front"}': bytes,
    '{direction="to_remote",listener="front"}': bytes,
  })
  assert.deepEqual(samplesOf('remote_connections'), { [refusing]: 0, [echoing]: sessions })
  assert.deepEqual(samplesOf('connect_attempts'), { [refusing]: refused, [echoing]: sessions })
  assert.deepEqual(samplesOf('connect_errors'), { [refusing]: refused, [echoing]: 0 })
  assert.deepEqual(samplesOf('remote_up'), { [refusing]: 0, [echoing]: 1 })
  const closed = Object.entries(samplesOf('close')).filter(([, count]) => count > 0)
  assert.deepEqual(closed, sessions === 0 ? [] : [['{reason="done"}', sessions]])
  assert.deepEqual(samplesOf('config_reload'), { '{result="success"}': reloads, '{result="failure"}': 0 })
}

for (const mode of MODES) {
  test(`${mode.name}: reports what it has relayed, over a reload and the death of a child`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const [{ port: closed }, path] = [await closedPort(), adminPath(t)]
    const place = { socketPath: path }
    const running = await mode.start(t, plan(path, closed, remote, 0))
    await load(t, running, 3)
    await ended(place, 3)
    await hasCounted(place, { sessions: 3, refused: 1, reloads: 0 })
    await reload(running, mode.textOf(plan(path, closed, remote, running.port())))
    await hasCounted(place, { sessions: 3, refused: 1, reloads: 1 })
    await load(t, running, 2)
    await ended(place, 5)
    const { text } = await requestAdmin(place, '/metrics')
    const attempts = parseOpenMetrics(text).get('tcprelay_connect_attempts')?.samples
    const refused = attempts?.get('{pool="default",remote="refusing"}') ?? 0
    await hasCounted(place, { sessions: 5, refused, reloads: 1 })
    if (running instanceof Master) await survivesDeath(place, running, { sessions: 5, refused, reloads: 1 })
  })
}

/** A new child counts from zero; the sums go on. */
async function survivesDeath(place: AdminPlace, master: Master, expected: Expected): Promise<void> {
  const { children } = await askAdmin(place, 'status')
  assert.deepEqual(
    children.map(({ generation, phase }) => [generation, phase]),
    [[2, 'serving']],
  )
  const pid = children[0]?.pid
  assert.ok(pid !== undefined)
  process.kill(pid, 'SIGKILL')
  await until('another child', async () => {
    const { children: now } = await askAdmin(place, 'status')
    return now.length === 1 && now[0]?.pid !== pid && now[0]?.phase === 'serving'
  })
  await master.idlesAt(1)
  await hasCounted(place, expected)
}

test('tcprelayctl prints answers as text and as JSON, and exits by what became of the command', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const path = adminPath(t)
  await MODES[0]?.start(
    t,
    relayTo(remote.with('name = a')).withMaster(`admin = { path = ${path} level = read }`),
  )
  const socket = ['--socket', path]
  const { code, stdout } = await tcprelayctl(t, [...socket, 'remotes'])
  assert.equal(code, 0)
  assert.match(stdout, /^POOL +NAME +ADDRESSES .*\ndefault +a +127\.0\.0\.1:\d+ +yes +ready +1 .*\n$/)
  const json = await tcprelayctl(t, ['remotes', '--json'], { env: { TCPRELAYCTL_SOCKET: path } })
  assert.equal(JSON.parse(json.stdout).remotes[0].name, 'a')
  const missing = await tcprelayctl(t, [...socket, 'health', 'b'])
  assert.deepEqual([missing.code, missing.stderr], [1, "tcprelayctl: there is no remote 'b'\n"])
  const nobody = await tcprelayctl(t, ['-s', `${path}.none`, 'status'])
  assert.equal(nobody.code, 69)
  assert.match(
    nobody.stderr,
    /\.none: there is no such socket: has the configuration of the relay an `admin` block\?\n$/,
  )
  assert.equal((await tcprelayctl(t, ['stauts'])).code, 64)
})

test('lists the certificates that listeners present', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const path = adminPath(t)
  const files = identityFiles(
    t,
    makeIdentity({ name: 'relay', alternativeNames: ['a.test', '*.b.test', '10.0.0.1'], toDays: 30 }),
  )
  await relayTo(remote)
    .listeningOn(
      `${ANY_PORT} name = front tls = yes`,
      `${ANY_PORT} name = plain`,
      `${ANY_PORT} name = side tls = auto`,
    )
    .withMaster(`admin = { path = ${path} }`)
    .with(servedWith(files))
    .start(t)
  const place = { socketPath: path }
  const { fingerprint256, validTo } = new X509Certificate(files.identity.pem)
  const { certificates } = await askAdmin(place, 'certificates')
  const notAfter = new Date(validTo).toISOString()
  assert.deepEqual(certificates, [
    {
      names: ['a.test', '*.b.test'],
      listeners: ['front', 'side'],
      notAfter,
      issuer: 'CN=relay',
      fingerprint: fingerprint256,
    },
  ])
  const { text } = await requestAdmin(place, '/metrics')
  const samples = parseOpenMetrics(text).get('tcprelay_certificate_not_after_seconds')?.samples
  assert.deepEqual([...(samples?.values() ?? [])], [Date.parse(validTo) / 1_000])
})
