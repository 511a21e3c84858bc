import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Client } from '../harness/client.js'
import { Etcd } from '../harness/etcd.js'
import { MODES, type Running } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { relayTo } from '../harness/relay.js'
import { type Remote, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

const PREFIX = '/services/web/'
/** All of them in the other modes, in the long run; `discovery-etcd.full.test.ts` makes a thousand in any case. */
const CHANGES = variants([200], [1_000]).at(-1) ?? 0
/** Of different members, so that no two changes of one overtake each other. */
const AT_ONCE = 10
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']

async function ask(t: TestContext, running: Running): Promise<string> {
  const client = await Client.connect(t, { port: running.port() })
  const answer = await client.readToEnd()
  await client.close()
  return answer
}

/** Clients one after the other, until the changes are over. Returns the answers. */
async function clients(t: TestContext, running: Running, areOver: () => boolean): Promise<readonly string[]> {
  const answers: string[] = []
  while (!areOver()) answers.push(await ask(t, running))
  return answers
}

/** Members come, go and change their weight; the one that is called `z` stays. */
async function change(etcd: Etcd, remotes: readonly Remote[], i: number): Promise<void> {
  const index = i % NAMES.length
  const key = PREFIX + NAMES[index]
  // Each round something else: the number of the round and the member decide.
  const what = (Math.floor(i / NAMES.length) + index) % 4
  if (what === 0) await etcd.delete(key)
  else await etcd.put(key, JSON.stringify({ address: '127.0.0.1', port: remotes[index]?.port, weight: what }))
}

for (const mode of MODES) {
  test(`${mode.name}: ${CHANGES} changes in etcd, and no client fails`, async (t) => {
    if (!needs(t, 'etcd')) return
    const etcd = await Etcd.start(t)
    const remotes: Remote[] = []
    for (const name of NAMES) remotes.push(await remoteThat(says(name)).start(t))
    const z = await remoteThat(says('z')).start(t)
    await etcd.put(`${PREFIX}z`, `127.0.0.1:${z.port}`)
    const source = `type = etcd endpoints = ${etcd.url} prefix = ${PREFIX} max removed = 100%`
    const running = await mode.start(t, relayTo().with('balance = round-robin', `discover { ${source} }`))
    await running.logged(/pool default: members: joined z: 1 now/)
    let areOver = false
    const asking = clients(t, running, () => areOver)
    for (let i = 0; i < CHANGES; i += AT_ONCE)
      await Promise.all(Array.from({ length: AT_ONCE }, (_, j) => change(etcd, remotes, i + j)))
    areOver = true
    const answers = await asking
    t.diagnostic(`${answers.length} clients, remotes: ${[...new Set(answers)].sort().join(' ')}`)
    assert.ok(answers.length > 20)
    assert.deepEqual(
      answers.filter((answer) => answer !== 'z' && !NAMES.includes(answer)),
      [],
    )
    // Exactly the members that are left, by the changes of the last round.
    for (const name of ['b', 'd', 'f', 'g', 'h', 'i', 'j']) await etcd.delete(PREFIX + name)
    for (const name of ['a', 'c', 'e']) {
      const port = remotes[NAMES.indexOf(name)]?.port
      await etcd.put(PREFIX + name, JSON.stringify({ address: '127.0.0.1', port, weight: 1 }))
    }
    await until('the members that are left', async () => {
      const seen: string[] = []
      while (seen.length < 8) seen.push(await ask(t, running))
      return seen.sort().join() === 'a,a,c,c,e,e,z,z'
    })
  })
}
