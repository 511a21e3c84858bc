import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import {
  BAD_CFG,
  DONE,
  DYING,
  type ForeignMaster,
  foreignMaster,
  KEEPALIVE,
  MAX,
  MAY_DIE,
} from '../harness/foreign-master.js'
import { masterText } from '../harness/master.js'
import { needs } from '../harness/needs.js'
import { sClient } from '../harness/openssl.js'
import { descriptorKinds, isAlive } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { fileWith, localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'

/** A child of ours under a classic master, in front of an echo server. */
async function startChild(t: TestContext, ...lines: readonly string[]): Promise<ForeignMaster | undefined> {
  const remote = await remoteThat(echoes).start(t)
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(relayTo(remote).with(...lines)))
  const master = await foreignMaster(t, file)
  await master?.hears(MAX)
  return master
}

test('1,000 connections from a classic master are served and counted', async (t) => {
  const master = await startChild(t)
  if (!master) return
  const idle = descriptorKinds(master.childPid).get('socket')
  const [first] = await master.heard()
  assert.equal(first?.[0], MAX)
  assert.ok((first?.[1] ?? 0) > 100, 'room for clients')
  assert.deepEqual(await master.clients(1_000), { right: 1_000 })
  await master.countsDone(1_000)
  await until('the descriptors to be as before', () => {
    return descriptorKinds(master.childPid).get('socket') === idle
  })
  const kinds = new Set((await master.heard()).map(([type]) => type))
  kinds.delete(KEEPALIVE)
  assert.deepEqual([...kinds].sort(), [DONE, MAX])
  await master.send(MAY_DIE)
  assert.equal(await master.ended(), 0)
  assert.match(master.stderr.text, /Terminating, no longer needed\./)
})

test('a child whose clients would get no pool does not start', async (t) => {
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, 'id = tcprelay { pool = a { remote = { address = 127.0.0.1 port = 9 } } }')
  const master = await foreignMaster(t, file)
  await master?.hears(BAD_CFG)
  assert.match(master?.stderr.text ?? 'no client gets a pool', /no client gets a pool/)
})

test('KEEPALIVE is sent without a request', async (t) => {
  const master = await startChild(t)
  await master?.hears(KEEPALIVE)
})

test('MAY_DIE lets open sessions finish', async (t) => {
  const master = await startChild(t)
  if (!master) return
  await master.hold()
  assert.equal(await master.say('before'), 'before')
  await master.send(MAY_DIE)
  assert.equal(await master.say('after'), 'after')
  assert.ok(isAlive(master.childPid))
  await master.release()
  assert.equal(await master.ended(), 0)
})

test('a client of a Unix socket is served', async (t) => {
  const master = await startChild(t, 'access log = stderr')
  if (!master) return
  await master.hold(true)
  assert.equal(await master.say('over a Unix socket'), 'over a Unix socket')
  await master.release()
  await master.countsDone(1)
  const who = `uid=${process.geteuid?.()} gid=${process.getegid?.()}`
  await master.stderr.reached(new RegExp(`client=unix: ${who} `))
})

test("the client's address is found, though the master does not send it", async (t) => {
  const master = await startChild(t, 'access log = stderr')
  if (!master) return
  assert.deepEqual(await master.clients(1), { right: 1 })
  await master.stderr.reached(/127\.0\.0\.1:\d+.*127\.0\.0\.1:\d+/)
})

/** Encoded as a master does: each version's low byte, further ones shifted left. */
const TLS_1_2_AND_1_3 = 0x0304
const TLS_1_1 = 0x02
const TLS_1_2 = 0x03
const TLS_1_3 = 0x04
const FLAG_HAPROXY = 1
const FLAG_TLS_PSK = 4
const FLAG_TLS_AUTO = 8

test('clients that must, may and must not speak TLS', async (t) => {
  const master = await startChild(t, servedWith(localhost(t)), 'access log = stderr')
  if (!master) return
  for (const [accept, isTls, tells] of [
    [{ versions: TLS_1_2_AND_1_3 }, true, / tls=TLSv1\.3 /],
    [{ versions: TLS_1_2_AND_1_3, flags: FLAG_TLS_AUTO }, true, / tls=TLSv1\.3 /],
    [{ versions: TLS_1_2_AND_1_3, flags: FLAG_TLS_AUTO }, false, /seconds=\S+ end=done/],
    [{}, false, /seconds=\S+ end=done/],
  ] as const) {
    await master.holdWith(accept, isTls)
    assert.equal(await master.say('hello'), 'hello')
    await master.release()
    await master.stderr.reached(tells)
  }
  await master.countsDone(4)
})

test('the versions that the master lists are enforced, within those of the section', async (t) => {
  const lines = [servedWith(localhost(t)), 'access log = stderr', 'tls min version = TLSv1.3']
  const both = await startChild(t, ...lines.slice(0, 2))
  const newest = await startChild(t, ...lines)
  if (!both || !newest) return
  for (const [master, versions, speaks, isWelcome] of [
    [both, TLS_1_2, 'TLSv1_2', true],
    [both, TLS_1_2, 'TLSv1_3', false],
    [both, TLS_1_3, 'TLSv1_3', true],
    [both, TLS_1_3, 'TLSv1_2', false],
    [both, TLS_1_2_AND_1_3, 'TLSv1_2', true],
    [both, TLS_1_1, 'TLSv1_2', false],
    [newest, TLS_1_2_AND_1_3, 'TLSv1_3', true],
    [newest, TLS_1_2_AND_1_3, 'TLSv1_2', false],
    [newest, TLS_1_2, 'TLSv1_2', false],
  ] as const) {
    for (const flags of [0, FLAG_TLS_AUTO]) {
      const held = master.holdWith({ versions, flags }, speaks)
      if (isWelcome) {
        await held
        assert.equal(await master.say('hello'), 'hello')
      } else await assert.rejects(held, /version|reset|EOF/i, `${versions} ${speaks}`)
      await master.release()
    }
  }
  await both.countsDone(12)
  await newest.countsDone(6)
  await both.stderr.reached(/ tls=TLSv1\.2 .* to_client=5 /, 4)
  await both.stderr.reached(/ tls=TLSv1\.3 .* to_client=5 /, 2)
  for (const { stderr } of [both, newest]) {
    await stderr.reached(/TLS with .* failed: unsupported protocol/)
    await stderr.reached(/rejected a client: the master requires a TLS version that is not enabled here/)
  }
})

test('clients use pre-shared keys if the master allows them', async (t) => {
  if (!needs(t, 'openssl')) return
  const key = randomBytes(32).toString('hex')
  const keys = `tls psk file = ${fileWith(t, `joe:${key}\n`)}`
  const master = await startChild(t, servedWith(localhost(t)), keys, 'access log = stderr')
  const keysAlone = await startChild(t, keys, 'access log = stderr')
  if (!master || !keysAlone) return
  const comes = async (to: ForeignMaster, flags: number, ...options: readonly string[]) => {
    const client = sClient(t, await to.port(), ...options)
    await to.take({ versions: TLS_1_2_AND_1_3, flags })
    client.say('hello\n')
    await client.saw(/^hello$|alert|errno/m)
    client.say('Q\n')
    return client.ended()
  }
  for (const flag of ['-tls1_2', '-tls1_3']) {
    const joe = [flag, '-psk', key, '-psk_identity', 'joe']
    for (const to of [master, keysAlone]) assert.match(await comes(to, FLAG_TLS_PSK, ...joe), /^hello$/m)
    assert.match(await comes(master, FLAG_TLS_PSK, flag), /^hello$/m)
    // Without the flag the key is ignored.
    const [certified, refused] = [await comes(master, 0, flag), await comes(keysAlone, 0, ...joe)]
    assert.match(certified, /BEGIN CERTIFICATE/)
    assert.doesNotMatch(refused, /^hello$/m)
    assert.match(await comes(master, 0, ...joe), /BEGIN CERTIFICATE/)
  }
  for (const { stderr } of [master, keysAlone]) await stderr.reached(/ psk=joe .* end=done/, 2)
})

test('clients that must speak TLS are reset by a child without a certificate', async (t) => {
  const master = await startChild(t, 'access log = stderr')
  if (!master) return
  for (const flags of [0, FLAG_TLS_AUTO]) {
    await assert.rejects(master.holdWith({ versions: TLS_1_3, flags }, true), /reset|EOF/i)
    await master.release()
  }
  await master.countsDone(2)
  await master.stderr.reached(
    /rejected a client: the master requires TLS, and no certificate is configured here/,
  )
})

test('the listener of a client is in the access log, though the master does not send it', async (t) => {
  const master = await startChild(t, 'access log = stderr')
  if (!master) return
  const port = await master.port()
  assert.deepEqual(await master.clients(1), { right: 1 })
  await master.stderr.reached(new RegExp(` listener=127\\.0\\.0\\.1:${port} .* end=done`))
  await master.hold(true)
  await master.release()
  await master.stderr.reached(/ listener=unix:\/\S+\/listening .* end=/)
})

test('clients that begin with a PROXY header are rejected, counted and logged', async (t) => {
  const master = await startChild(t, servedWith(localhost(t)), 'access log = stderr')
  if (!master) return
  for (const accept of [{ flags: FLAG_HAPROXY }, { flags: FLAG_HAPROXY, versions: TLS_1_3 }]) {
    await master.holdWith(accept, false)
    await assert.rejects(master.say('PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n'), /reset|Broken pipe/i)
    await master.release()
  }
  await master.countsDone(2)
  await master.stderr.reached(/ listener=127\.0\.0\.1:\d+ to_remote=0 .* end=proxy-header/, 2)
  await master.stderr.reached(
    /rejected 127\.0\.0\.1:\d+: the master says that the client begins with a PROXY header, and no `proxy from` says whether it counts/,
  )
  assert.deepEqual(await master.clients(1), { right: 1 })
})

test('a child whose master is gone finishes its sessions and ends', async (t) => {
  const master = await startChild(t)
  if (!master) return
  await master.hold()
  assert.equal(await master.say('before'), 'before')
  await master.close()
  await master.stderr.reached(/lost the connection to the master/)
  assert.equal(await master.say('after'), 'after')
  await master.release()
  assert.equal(await master.ended(), 0)
})

test('an idle child whose master is gone ends', async (t) => {
  const master = await startChild(t)
  if (!master) return
  await master.close()
  assert.equal(await master.ended(), 0)
})

test('at the retire limit a child serves the last client, informs the master and ends', async (t) => {
  const master = await startChild(t, 'retire limit = 3')
  if (!master) return
  assert.deepEqual(await master.clients(2), { right: 2 })
  await master.hold()
  await master.hears(DYING)
  assert.equal(await master.say('the last one'), 'the last one')
  await master.release()
  assert.equal(await master.ended(), 0)
  await master.stderr.reached(/Retire limit reached\. Told parent about this\./)
})

test('malformed messages do no harm', async (t) => {
  const master = await startChild(t)
  if (!master) return
  for (const hex of ['', '06', '06000000', '0600000000000000', '63000000ffffffff', 'ff'.repeat(300)]) {
    await master.sendBytes(hex)
  }
  assert.deepEqual(await master.clients(3), { right: 3 })
  assert.match(master.stderr.text, /unknown type/)
})

test('a wrong configuration is reported, and the exit code is the documented one', async (t) => {
  const file = join(temporaryFolder(t), 'wrong.cfg')
  writeFileSync(file, 'id = tcprelay { nonsense }\n')
  const master = await foreignMaster(t, file)
  if (!master) return
  assert.equal(await master.ended(), 78)
  await master.hears(BAD_CFG)
  assert.match(master.stderr.text, /wrong\.cfg:1:/)
})
