import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { ANN, BOB, CYD, clientFrom, Policy } from '../harness/mavis.js'
import { MODES } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { isAlive } from '../harness/proc.js'
import { tcprelay } from '../harness/program.js'
import { Relay, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { connectTls, fileWith, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { makeIdentity } from '../support/certificates.js'

const HOST = 'mavis authorization = host'
const ACCESS_LOG = 'access log = stderr'

/** Whether a client from this address reaches the echo server. */
async function isServed(t: TestContext, address: string, port: number): Promise<boolean> {
  const client = await clientFrom(t, address, port)
  try {
    await client.send('hello')
    await client.endWriting()
    return (await client.readToEnd()) === 'hello'
  } catch {
    assert.equal(await client.ending(), 'ECONNRESET')
    return false
  } finally {
    await client.close()
  }
}

for (const { name: mode, start } of MODES) {
  test(`${mode}: permits and rejects clients as a helper decides by address`, async (t) => {
    if (!needs(t, 'python3')) return
    const policy = new Policy(t, { [ANN]: 'ACK', [BOB]: 'NAK not on easter' })
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote)
      .with(HOST, policy.module(1), ACCESS_LOG)
      .listeningOn('address = 127.0.0.1 port = 0 realm = inside')
    const running = await start(t, plan)
    if (running instanceof Relay) await running.hasHelpers(1)
    assert.equal(await isServed(t, ANN, running.port()), true)
    assert.equal(await isServed(t, BOB, running.port()), false)
    await running.logged(new RegExp(`rejected client ${BOB}:\\d+ of \\S+: denied by a module: not on easter`))
    await running.logged(
      new RegExp(`client=${BOB}:\\d+ .*end=mavis-denied comment=not\\\\x20on\\\\x20easter`),
    )
    assert.equal(await isServed(t, CYD, running.port()), false)
    await running.logged(/end=mavis-not-found/)
    assert.equal(remote.acceptedCount, 1, 'a rejected client gets no remote')
    const [first] = policy.asked
    assert.deepEqual([first?.[0], first?.[2], first?.[3], first?.[4]], [ANN, ANN, 'inside', '-'])
  })
}

for (const { name: mode, start } of MODES) {
  test(`${mode}: kills a helper that ignores SIGTERM at the end`, async (t) => {
    if (!needs(t, 'sh')) return
    const folder = temporaryFolder(t)
    const [helper, started] = [join(folder, 'helper'), join(folder, 'started')]
    const text = `#!/bin/sh\ntrap '' TERM\necho $$ >> ${started}\nwhile :; do sleep 1; done\n`
    writeFileSync(helper, text, { mode: 0o755 })
    const module = `mavis module = external { exec = "${helper}" childs min = 1 childs max = 1 }`
    const running = await start(t, relayTo(await remoteThat(echoes).start(t)).with(HOST, module))
    const pid = await until('the helper to be there', () => {
      return (
        (existsSync(started) && Number(/^(\d+)\n/.exec(readFileSync(started, 'utf8'))?.[1] ?? 0)) || false
      )
    })
    afterwards(t, () => {
      if (isAlive(pid)) process.kill(-pid, 'SIGKILL')
    })
    running.signal('SIGTERM')
    assert.deepEqual(await running.program.ended(), { code: 0, signal: null })
    await until('the helper to end', () => !isAlive(pid))
  })
}

test('accepts unknown clients with `mavis default = permit`, but not on errors', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { [BOB]: 'ERR no database', [CYD]: 'NFD' })
  const plan = relayTo(await remoteThat(echoes).start(t)).with(
    HOST,
    'mavis default = permit',
    policy.module(1),
  )
  const relay = await plan.with(ACCESS_LOG).start(t)
  await relay.hasHelpers(1)
  assert.equal(await isServed(t, ANN, relay.port()), true, 'the module is down')
  assert.equal(await isServed(t, CYD, relay.port()), true)
  assert.equal(await isServed(t, BOB, relay.port()), false)
  await relay.logged(/end=mavis-error comment=no\\x20database/)
})

test('rejects a client after `mavis timeout` and ignores the late answer', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { [ANN]: 'slow 1.5 ACK', [BOB]: 'ACK' })
  const plan = relayTo(await remoteThat(echoes).start(t)).with(HOST, 'mavis timeout = 1', ACCESS_LOG)
  const relay = await plan.with(policy.module(1, 'timeout = 5')).start(t)
  await relay.hasHelpers(1)
  assert.equal(await isServed(t, ANN, relay.port()), false)
  await relay.logged(/end=mavis-timeout/)
  await until('the helper to be free', async () => isServed(t, BOB, relay.port()))
})

test('drops a client that resets while waiting, serves one that half-closes', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { [ANN]: 'slow 0.5 ACK', [BOB]: 'slow 0.5 ACK' })
  const remote = await remoteThat(echoes).start(t)
  const relay = await relayTo(remote).with(HOST, policy.module(2), ACCESS_LOG).start(t)
  await relay.hasHelpers(2)
  const gone = await clientFrom(t, ANN, relay.port())
  await until('the question', () => policy.asked.length === 1)
  gone.reset()
  await relay.logged(new RegExp(`client=${ANN}:.*end=client-left`))
  const half = await clientFrom(t, BOB, relay.port())
  await half.send('hello')
  await half.endWriting()
  assert.equal(await half.readToEnd(), 'hello')
  assert.equal(remote.acceptedCount, 1)
})

test('drops queued queries of clients that left', async (t) => {
  if (!needs(t, 'python3')) return
  const others = `${BOB} ACK\n${CYD} ACK`
  const policy = new Policy(t, { [ANN]: `wait\n${others}` })
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .with(HOST, policy.module(1), ACCESS_LOG)
    .start(t)
  await relay.hasHelpers(1)
  const first = await clientFrom(t, ANN, relay.port())
  await until('the first question', () => policy.asked.length === 1)
  const waiting = await Promise.all(Array.from({ length: 20 }, () => clientFrom(t, BOB, relay.port())))
  for (const client of waiting) client.reset()
  await relay.logged(new RegExp(`client=${BOB}:.*end=client-left`), waiting.length)
  const last = await clientFrom(t, CYD, relay.port())
  policy.set(ANN, `ACK\n${others}`)
  assert.equal(await first.exchange('hello'), 'hello')
  assert.equal(await last.exchange('hello'), 'hello')
  assert.deepEqual(
    policy.asked.map(([user]) => user),
    [ANN, CYD],
  )
  for (const client of [first, last]) await client.close()
})

test('asks a new helper again when one dies', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { [ANN]: 'die', [BOB]: 'ACK' })
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .with(HOST, policy.module(1), ACCESS_LOG)
    .start(t)
  await relay.hasHelpers(1)
  const client = await clientFrom(t, ANN, relay.port())
  await until('the question', () => policy.asked.length > 0)
  policy.set(ANN, `ACK\n${BOB} ACK`)
  await client.send('hello')
  await client.endWriting()
  // Three helpers may die on one query before the rules change.
  assert.match(await client.ending(), /end|ECONNRESET/)
  await client.close()
  assert.equal(await isServed(t, BOB, relay.port()), true)
  const serials = policy.asked.filter(([user]) => user === ANN).map(([, serial]) => serial)
  assert.equal(new Set(serials).size, 1, 'it is the same question')
})

test('caches verdicts for `mavis cache timeout`', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { [ANN]: 'ACK', [BOB]: 'NAK' })
  const plan = relayTo(await remoteThat(echoes).start(t)).with(
    HOST,
    'mavis cache timeout = 60',
    policy.module(1),
  )
  const relay = await plan.start(t)
  await relay.hasHelpers(1)
  for (let i = 0; i < 5; i++) {
    assert.equal(await isServed(t, ANN, relay.port()), true)
    assert.equal(await isServed(t, BOB, relay.port()), false)
  }
  assert.deepEqual(
    policy.asked.map(([user]) => user),
    [ANN, BOB],
  )
})

test('authorizes the user of a client certificate', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { ann: 'member staff', bob: 'member guests', cyd: 'NAK' })
  const authority = makeIdentity({ name: 'authority', isAuthority: true })
  const remote = await remoteThat(echoes).start(t)
  const plan = relayTo(remote)
    .listeningOn('address = 127.0.0.1 port = 0 tls = yes')
    .with(
      servedWith(localhost(t)),
      `tls client-ca-file = ${fileWith(t, authority.pem)}`,
      'tls verify = request',
      'mavis authorization = user',
      'mavis require member = staff, wheel',
      policy.module(1),
      ACCESS_LOG,
    )
  const relay = await plan.start(t)
  await relay.hasHelpers(1)
  const connect = async (name?: string) => {
    const shown = name === undefined ? undefined : makeIdentity({ name, issuer: authority })
    const words = shown === undefined ? {} : { cert: shown.pem, key: shown.keyPem }
    return connectTls(t, relay.port(), { servername: 'localhost', ...words })
  }
  const ann = await connect('ann')
  assert.equal(await ann.exchange('hello'), 'hello')
  await ann.close()
  for (const [name, end] of [
    ['bob', 'mavis-not-member'],
    ['cyd', 'mavis-denied'],
    [undefined, 'mavis-no-identity'],
  ] as const) {
    const refused = await connect(name)
    // libuv reports a reset right after data as an end.
    assert.match(await refused.ending(), /ECONNRESET|end/)
    await relay.logged(new RegExp(`end=${end}`))
  }
  assert.equal(remote.acceptedCount, 1, 'the others get no remote')
  // The log is limited to one line per second: that of the first client.
  await relay.logged(/rejected client 127\.0\.0\.1:\d+ \(bob\) of \S+: not a member of a required group/)
  assert.deepEqual(
    policy.asked.map(([user, , address, , host]) => [user, address, host]),
    [
      ['ann', '127.0.0.1', 'localhost'],
      ['bob', '127.0.0.1', 'localhost'],
      ['cyd', '127.0.0.1', 'localhost'],
    ],
  )
})

test('answers waiting clients by the old modules after a reload, then ends their helpers', async (t) => {
  if (!needs(t, 'python3')) return
  const old = new Policy(t, { [ANN]: 'slow 1 ACK' })
  const next = new Policy(t, { [BOB]: 'ACK' })
  const plan = relayTo(await remoteThat(echoes).start(t)).with(HOST)
  const relay = await plan.with(old.module(1)).start(t)
  await relay.hasHelpers(1)
  const waiting = await clientFrom(t, ANN, relay.port())
  await until('the question', () => old.asked.length === 1)
  await reload(relay, plan.with(next.module(2)).text)
  assert.equal(await isServed(t, BOB, relay.port()), true)
  assert.equal(await waiting.exchange('hello'), 'hello')
  await waiting.close()
  await relay.hasHelpers(2)
  assert.equal(await isServed(t, ANN, relay.port()), false, 'the new modules do not know it')
  assert.equal(old.asked.length, 1)
})

test('counts waiting clients against the descriptor limit after a reload', async (t) => {
  if (!needs(t, 'python3', 'prlimit')) return
  const [old, next] = ['wait', 'ACK'].map((rule) => new Policy(t, { '127.0.0.1': rule }))
  assert.ok(old && next)
  const plan = relayTo(await remoteThat(echoes).start(t)).with(HOST, 'mavis timeout = 60')
  const relay = await plan
    .with(old.module(1))
    .running({ under: ['prlimit', '--nofile=400'] })
    .start(t)
  const clients = await Promise.all(Array.from({ length: 240 }, () => relay.connect()))
  const full = await relay.logged(/limit of (\d+) concurrent users reached/)
  await reload(relay, plan.with(next.module(1)).text)
  const served = new Set<Client>()
  const exchanges = clients.map(async (client, i) => {
    assert.equal(await client.exchange(`client ${i}`), `client ${i}`)
    served.add(client)
  })
  const all = Promise.all(exchanges)
  old.set('127.0.0.1', 'ACK')
  await Promise.race([all, until('the waiting clients', () => served.size >= Number(full[1]))])
  await Promise.all([...served].map((client) => client.close()))
  await all
  for (const client of clients) await client.close()
  await relay.hasHelpers(1)
})

test('mavis-test asks the modules and prints every step', async (t) => {
  if (!needs(t, 'python3')) return
  const policy = new Policy(t, { [ANN]: 'ACK', [BOB]: 'NAK not on easter' })
  const file = relayTo({ directive: 'address = 127.0.0.1 port = 9' }).with(HOST, policy.module(1)).file(t)
  const permitted = await tcprelay(t, ['mavis-test', file, ANN])
  assert.equal(permitted.code, 0, permitted.stderr)
  assert.match(permitted.stdout, /^module policy: asked$/m)
  assert.match(permitted.stdout, /^module policy: answered: FINAL\n.* RESULT = ACK$/ms)
  assert.match(permitted.stdout, /\npermitted\n$/)
  const denied = await tcprelay(t, ['mavis-test', file, BOB])
  assert.equal(denied.code, 1)
  assert.match(denied.stdout, /\nnot permitted: denied by a module: not on easter\n$/)
  const wrong = await tcprelay(t, ['mavis-test', file, 'nowhere'])
  assert.equal(wrong.code, 64)
})
