import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { type Running, SINGLE } from '../harness/modes.js'
import { cpuMsOf, residentKiBOf } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { replaceFile } from '../harness/replace-file.js'

const ENTRIES = 100_000
const ROUNDS = 7
const CLIENTS_PER_ROUND = 3_000
const AT_A_TIME = 10

/** Networks and addresses all over IPv4, loopback excepted. */
function list(): string {
  const byte = () => randomInt(256)
  const entry = (i: number) =>
    `${128 + randomInt(96)}.${byte()}.${byte()}.${byte()}${i % 3 === 0 ? '/28' : ''}\n`
  return Array.from({ length: ENTRIES }, (_, i) => entry(i)).join('')
}

/** CPU time in µs that the relay takes per client. */
async function costOf(t: TestContext, running: Running): Promise<number> {
  const before = cpuMsOf(running.pid)
  const visit = async () => {
    for (let i = 0; i < CLIENTS_PER_ROUND / AT_A_TIME; i++) {
      const client = await Client.connect(t, { port: running.port() })
      assert.equal(await client.exchange('x'), 'x')
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, visit))
  return ((cpuMsOf(running.pid) - before) * 1_000) / CLIENTS_PER_ROUND
}

test('100,000 rules: CPU per connection and memory, printed beside those without rules', async (t) => {
  const remote = await remoteThat(echoes).start(t)
  const path = join(temporaryFolder(t), 'blocked')
  writeFileSync(path, list())
  const rules = [`deny file = ${path}`, 'default = permit']
  const without = await SINGLE.start(t, relayTo(remote))
  const withRules = await SINGLE.start(t, relayTo(remote).withMaster(...rules))
  const memory = () =>
    [without, withRules].map(({ pid }) => (residentKiBOf(pid) / 1024).toFixed(0)).join(' / ')
  const atStart = memory()
  const costs: (readonly [number, number])[] = []
  // In turn, so that other load of the machine meets both.
  for (let round = 0; round < ROUNDS; round++)
    costs.push([await costOf(t, without), await costOf(t, withRules)])
  const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[ROUNDS >> 1] ?? 0
  const [plain, ruled] = [median(costs.map(([a]) => a)), median(costs.map(([, b]) => b))]
  const beforeMs = cpuMsOf(withRules.pid)
  replaceFile(path, list())
  await withRules.logged(/blocked has changed: 100000 entries are in force/, 1, 30_000)
  t.diagnostic(
    `CPU per connection without / with ${ENTRIES} entries: ${plain.toFixed(1)} / ${ruled.toFixed(1)} µs ` +
      `(${(ruled / plain).toFixed(2)}); resident MiB ${atStart} at start, ${memory()} after a change; ` +
      `the change took ${cpuMsOf(withRules.pid) - beforeMs} ms of CPU`,
  )
  // Served under the new list, too.
  await costOf(t, withRules)
})
