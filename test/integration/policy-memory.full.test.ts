import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { PolicyName } from '../../src/base/policy-names.js'
import type { Client } from '../harness/client.js'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { relayTo, type Target } from '../harness/relay.js'
import { IN_FORCE, reload } from '../harness/reload.js'
import { greets, remoteThat } from '../harness/remote.js'
import { localhost, tlsRemote } from '../harness/tls.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS, variants } from '../harness/variants.js'

/** Far more than the fast remote takes on a busy machine. */
const SLOW_MS = 1_000

/** `least-time` measures a remote again after this time. Measurements of other children count too. */
const RETRY_MS = 10_000

const start = (t: TestContext, policy: PolicyName, accept: string, ...remotes: readonly Target[]) => {
  const spawn = spawning([1, 1], [1, 100], `accept = ${accept}`)
  return startMaster(
    t,
    relayTo(...remotes)
      .with(`balance = ${policy}`)
      .withMaster(spawn),
  )
}

/** The server of the next client, which leaves. All have names of as many letters as the first. */
async function serverOfNext(master: Master, first: string): Promise<string> {
  const client = await master.connect()
  const server = await client.read(first.length)
  await client.close()
  return server
}

/** Replaces the child. */
async function replaceChild(master: Master, nth: number): Promise<void> {
  const [before] = master.children()
  await reload(master, readFileSync(master.file, 'utf8'), IN_FORCE, nth)
  await until('the old child to be gone', () => master.children().length === 1)
  assert.notEqual(master.children()[0], before)
}

const TURNS = variants<readonly [PolicyName, 'broker' | 'direct']>(
  [['round-robin', 'broker']],
  [
    ['least-use', 'broker'],
    ['round-robin', 'direct'],
    ['least-use', 'direct'],
  ],
)

for (const [policy, accept] of TURNS) {
  test(`new children go on with the turns of the old ones: ${policy}, ${accept}`, async (t) => {
    const names = ['a', 'b', 'c']
    const remotes = await Promise.all(names.map((name) => remoteThat(greets(name)).start(t)))
    const master = await start(t, policy, accept, ...remotes)
    const served: string[] = []
    for (let nth = 1; nth <= 4; nth++) {
      served.push(await serverOfNext(master, 'a'))
      await replaceChild(master, nth)
    }
    assert.deepEqual(served, [...names, 'a'])
  })
}

for (const accept of ACCEPT_WAYS) {
  test(`children take turns together: ${accept}`, async (t) => {
    const names = ['a', 'b', 'c']
    const remotes = await Promise.all(names.map((name) => remoteThat(greets(name)).start(t)))
    const spawn = spawning([3, 3], [1, 100], `accept = ${accept}`)
    const plan = relayTo(...remotes)
      .with('balance = round-robin')
      .withMaster(spawn)
    const master = await startMaster(t, plan, { children: 3 })
    const clients: Client[] = []
    // Which children get them is up to the kernel where children accept.
    await until('clients in two children', async () => {
      for (const name of names) {
        const client = await master.connect()
        clients.push(client)
        assert.equal(await client.read(1), name)
      }
      return master.sessions().filter((count) => count > 0).length > 1
    })
    for (const client of clients) await client.close()
  })

  test(`a new child knows the connect times: ${accept}`, async (t) => {
    const slow = await tlsRemote(
      t,
      localhost(t),
      'tls = yes server name = localhost verify = no',
      greets('slow'),
      { SNICallback: (_name, done) => void setTimeout(done, SLOW_MS, null) },
    )
    const fast = await remoteThat(greets('fast')).start(t)
    const master = await start(t, 'least-time', accept, slow, fast)
    // On a machine that needs too long for a reload the slow remote is measured again, rightly: once more.
    for (let nth = 1; ; nth++) {
      let measuredMs = performance.now()
      const before = new Set<string>()
      const areMeasured = async () => {
        measuredMs = performance.now()
        return before.add(await serverOfNext(master, 'slow')).size === 2
      }
      await until('both remotes to be measured', areMeasured, 3 * RETRY_MS)
      await replaceChild(master, nth)
      const after = [
        await serverOfNext(master, 'slow'),
        await serverOfNext(master, 'slow'),
        await serverOfNext(master, 'slow'),
      ]
      if (performance.now() - measuredMs >= RETRY_MS) continue
      assert.deepEqual(after, ['fast', 'fast', 'fast'])
      return
    }
  })
}
