import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { temporaryFolder } from './clean-up.js'
import { Lines } from './lines.js'
import { descriptorKinds, isAlive } from './proc.js'
import { fileOfProject, Program, tcprelay } from './program.js'
import { relayTo } from './relay.js'
import { echoes, remoteThat } from './remote.js'
import { until, within } from './until.js'

test('until gives up and names what it waited for', async () => {
  await assert.rejects(
    until('Godot', () => false, 20),
    /in vain: Godot/,
  )
  assert.equal(await until('an answer', () => 42), 42)
})

test('within gives up and names what it waited for', async () => {
  await assert.rejects(within('Godot', new Promise(() => {}), 20), /in vain: Godot/)
  assert.equal(await within('an answer', Promise.resolve(42)), 42)
})

test('lines are split wherever chunks end, and counted', async () => {
  const lines = new Lines(Readable.from(['one\ntw', 'o\nthree\nt', 'wo\n']))
  await lines.reached(/^two$/, 2)
  assert.deepEqual(lines.all, ['one', 'two', 'three', 'two'])
})

test('a session that is still open is detected', async (t) => {
  const relay = await relayTo(await remoteThat(echoes).start(t)).start(t)
  const client = await relay.connect()
  await client.exchange('hello')
  assert.equal(relay.socketCount, 2)
  await client.close()
  await relay.isIdle()
})

test('a descriptor of the test that stays open is detected', async () => {
  const before = descriptorKinds('self').get('socket') ?? 0
  const server = createServer().listen(0)
  await until('the server', () => server.listening)
  assert.equal(descriptorKinds('self').get('socket'), before + 1)
  server.close()
})

test('a program that is still running ends with its test', async (t) => {
  let pid = 0
  await t.test('starts a program', async (inner) => {
    pid = new Program(inner, ['sleep', '1000']).pid
  })
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' })
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} to the process of a test ends all that it has started`, async (t) => {
    const endless = fileOfProject('dist/test/harness/endless-test.js')
    const program = new Program(t, [process.execPath, endless])
    const [, pids = ''] = await program.stdout.reached(/pids (.*)/)
    program.signal(signal)
    assert.deepEqual(await program.ended(), { code: null, signal })
    const alive = () => pids.split(' ').map(Number).filter(isAlive)
    await until(`processes to end: ${alive()}`, () => alive().length === 0)
  })
}

test('a run of the program returns its exit code and both outputs', async (t) => {
  const run = await tcprelay(t, [`${temporaryFolder(t)}/nothing.cfg`])
  assert.equal(run.code, 66)
  assert.match(run.stderr, /nothing\.cfg/)
})
