import assert from 'node:assert/strict'
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
import { descriptorKinds, isAlive } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { localhost, servedWith } from '../harness/tls.js'
import { until } from '../harness/until.js'

/** Our child under a classic master, in front of a server that echoes. */
async function startChild(t: TestContext, ...lines: readonly string[]): Promise<ForeignMaster | undefined> {
  const remote = await remoteThat(echoes).start(t)
  const file = join(temporaryFolder(t), 'relay.cfg')
  writeFileSync(file, masterText(relayTo(remote).with(...lines)))
  const master = await foreignMaster(t, file)
  await master?.hears(MAX)
  return master
}

test('1,000 connections from a classic master, each of them counted', async (t) => {
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

test('KEEPALIVE comes by itself', async (t) => {
  const master = await startChild(t)
  await master?.hears(KEEPALIVE)
})

test('MAY_DIE: what is there is finished first', async (t) => {
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
  await master.stderr.reached(/unix:/)
})

test('the address of a client is found, though the master does not say it', async (t) => {
  const master = await startChild(t, 'access log = stderr')
  if (!master) return
  assert.deepEqual(await master.clients(1), { right: 1 })
  await master.stderr.reached(/127\.0\.0\.1:\d+.*127\.0\.0\.1:\d+/)
})

/** As its numbers say them: each version's low byte, the further ones shifted left. */
const TLS_1_2_AND_1_3 = 0x0304
const TLS_1_3 = 0x04
const FLAG_TLS_AUTO = 8

test('clients that are to speak TLS, that may, and that do not', async (t) => {
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

test('clients that are to speak TLS to a child without a certificate are sent away', async (t) => {
  const master = await startChild(t, 'access log = stderr')
  if (!master) return
  for (const flags of [0, FLAG_TLS_AUTO]) {
    await assert.rejects(master.holdWith({ versions: TLS_1_3, flags }, true), /reset|EOF/i)
    await master.release()
  }
  await master.countsDone(2)
  await master.stderr.reached(/a client is to speak TLS, but there is no certificate/)
})

test('a master that is gone: the child finishes what it has, and ends', async (t) => {
  const master = await startChild(t)
  if (!master) return
  await master.hold()
  assert.equal(await master.say('before'), 'before')
  await master.close()
  await master.stderr.reached(/the master is gone/)
  assert.equal(await master.say('after'), 'after')
  await master.release()
  assert.equal(await master.ended(), 0)
})

test('an idle child of a master that is gone ends', async (t) => {
  const master = await startChild(t)
  if (!master) return
  await master.close()
  assert.equal(await master.ended(), 0)
})

test('the retire limit: the last client is served, the master is told, the child ends', async (t) => {
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

test('bytes that are no message do no harm', async (t) => {
  const master = await startChild(t)
  if (!master) return
  for (const hex of ['', '06', '06000000', '0600000000000000', '63000000ffffffff', 'ff'.repeat(300)]) {
    await master.sendBytes(hex)
  }
  assert.deepEqual(await master.clients(3), { right: 3 })
  assert.match(master.stderr.text, /unknown type/)
})

test('a configuration that is wrong is told, and the exit code is the documented one', async (t) => {
  const file = join(temporaryFolder(t), 'wrong.cfg')
  writeFileSync(file, 'id = tcprelay { nonsense }\n')
  const master = await foreignMaster(t, file)
  if (!master) return
  assert.equal(await master.ended(), 78)
  await master.hears(BAD_CFG)
  assert.match(master.stderr.text, /wrong\.cfg:1:/)
})
