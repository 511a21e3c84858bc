import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'
import { replaceFile } from '../harness/replace-file.js'
import { until } from '../harness/until.js'

/** What the next three clients get, sorted. */
async function answers(t: TestContext, port: number): Promise<string> {
  const all: string[] = []
  while (all.length < 3) {
    const client = await Client.connect(t, { port })
    all.push(await client.readToEnd())
    await client.close()
  }
  return all.sort().join()
}

test('members of a file that comes after the start, changes, breaks and vanishes', async (t) => {
  const [a, b] = [await remoteThat(says('a')).start(t), await remoteThat(says('b')).start(t)]
  const path = `${temporaryFolder(t)}/members`
  const plan = relayTo().with(
    'balance = round-robin',
    `discover { type = file file = ${path} interval = 100ms remote { weight = 2 } }`,
  )
  const running = await plan.start(t)
  await running.logged(/pool default: cannot find members: cannot read .*: no such file or directory/)
  writeFileSync(path, `127.0.0.1:${a.port} name=first\n`)
  await running.logged(/pool default: members: joined first: 1 now/)
  await until('the first member', async () => (await answers(t, running.port())) === 'a,a,a')
  const both = [
    { name: 'first', address: '127.0.0.1', port: a.port },
    { name: 'second', address: '127.0.0.1', port: b.port, weight: 1 },
  ]
  replaceFile(path, JSON.stringify(both, null, 1))
  await running.logged(/pool default: members: joined second: 2 now/)
  await until('both members', async () => (await answers(t, running.port())) === 'a,a,b')
  replaceFile(path, '[\n{"address": "127.0.0.1"}]')
  await running.logged(/pool default: cannot find members: line 2: members\[0\]\.port: expected 1 … 65535/)
  rmSync(path)
  assert.equal(await answers(t, running.port()), 'a,a,b')
  replaceFile(path, JSON.stringify(both.slice(1)))
  await running.logged(/pool default: members: left first: 1 now/)
  await until('the member that is left', async () => (await answers(t, running.port())) === 'b,b,b')
})
