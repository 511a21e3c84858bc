import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Client } from '../harness/client.js'
import { fileOfProject, Program } from '../harness/program.js'
import { type Relay, relayTo, type Target } from '../harness/relay.js'
import { listens, remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

/** Concurrent clients. */
const AT_ONCE = 20

const LOST = 'lost'

test('40 open connections are split 10 to 30 by weights of 1:3', async (t) => {
  const [light, heavy] = [await remoteThat(listens).start(t), await remoteThat(listens).start(t)]
  const relay = await relayTo(light.with('weight = 1'), heavy.with('weight = 3')).start(t)
  for (let i = 0; i < 40; i++) await relay.connect()
  await Promise.all([light.holds(10), heavy.holds(30)])
})

test('weights hold while connections end and others begin', async (t) => {
  const [light, heavy] = [await remoteThat(listens).start(t), await remoteThat(listens).start(t)]
  const relay = await relayTo(light.with('weight = 1'), heavy.with('weight = 3')).start(t)
  const clients: Client[] = []
  for (let i = 0; i < 40; i++) clients.push(await relay.connect())
  await Promise.all([light.holds(10), heavy.holds(30)])
  // In order of arrival, every fourth one is on the light remote.
  await Promise.all(clients.slice(0, 20).map((client) => client.close()))
  await light.holds(5)
  await heavy.holds(15)
  for (let i = 0; i < 20; i++) await relay.connect()
  await Promise.all([light.holds(10), heavy.holds(30)])
})

test('equal remotes take turns for consecutive short connections', async (t) => {
  const remotes = await Promise.all(['a', 'b', 'c'].map((name) => remoteThat(says(name)).start(t)))
  const relay = await relayTo(...remotes).start(t)
  const order: string[] = []
  for (let i = 0; i < 9; i++) order.push(await (await relay.connect()).readToEnd())
  const [first, second, third] = order
  assert.deepEqual(order, Array.from({ length: 3 }, () => [first, second, third]).flat())
  assert.deepEqual([...order.slice(0, 3)].sort(), ['a', 'b', 'c'])
})

test('killing one of three remotes during 1,000 new connections loses no client', async (t) => {
  const { relay, victim } = await threeRemotes(t)
  const before = await ask(relay, 500)
  // No client is connected at this moment: an open connection is lost with its server behind any relay.
  victim.signal('SIGKILL')
  await victim.ended()
  const after = await ask(relay, 500)
  assert.ok((before.get('victim') ?? 0) > 100)
  assert.equal(before.get(LOST), undefined)
  assert.deepEqual([...after.keys()].sort(), ['one', 'two'])
  await relay.logged(/is down: connection refused/)
})

test('killing a serving remote loses only its own clients', async (t) => {
  const { relay, victim } = await threeRemotes(t)
  const asking = ask(relay, 1_000)
  await until('a third of the work', () => relay.program.stderr.matching(/remote=.* end=/).length > 300)
  victim.signal('SIGKILL')
  const answers = await asking
  assert.ok((answers.get(LOST) ?? 0) <= AT_ONCE, `${answers.get(LOST)} clients lost`)
})

async function threeRemotes(t: TestContext) {
  const { program, target } = await startServerProcess(t, 'victim')
  const survivors = await Promise.all(['one', 'two'].map((name) => remoteThat(says(name)).start(t)))
  const relay = await relayTo(target, ...survivors)
    .with('access log = stderr')
    .start(t)
  return { victim: program, relay }
}

/** Makes that many short connections; counts the answers of each server and the lost clients. */
async function ask(relay: Relay, count: number): Promise<Map<string, number>> {
  const answers = new Map<string, number>()
  let left = count
  const askOn = async () => {
    while (left-- > 0) {
      const client = await relay.connect()
      const answer = (await client.ending()) === 'end' ? await client.readToEnd() : LOST
      answers.set(answer, (answers.get(answer) ?? 0) + 1)
      await client.close()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, askOn))
  return answers
}

/** A server that can be killed. */
async function startServerProcess(
  t: TestContext,
  name: string,
): Promise<{ program: Program; target: Target }> {
  const program = new Program(t, [
    process.execPath,
    fileOfProject('dist/test/harness/server-process.js'),
    name,
  ])
  const [, port] = await program.stdout.reached(/^port (\d+)$/)
  return { program, target: { directive: `address = 127.0.0.1 port = ${port}` } }
}
