import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { handlesSignal, isAlive, listeningPortsOf } from '../harness/proc.js'
import { type Program, startTcprelay } from '../harness/program.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { takes } from '../harness/takes.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

const SIGUSR1 = 10
const SIGTERM = 15
const INSPECTOR_PORT = 9229
const IN_ORDER = { code: 0, signal: null }

for (const signal of variants<'SIGTERM' | 'SIGINT'>(['SIGTERM'], ['SIGINT'])) {
  test(`${signal} ends an idle relay at once`, async (t) => {
    const relay = await relayTo(await remoteThat(echoes).start(t)).start(t)
    relay.signal(signal)
    assert.deepEqual(await relay.ended(1_500), IN_ORDER)
    await relay.logged(new RegExp(`${signal}: exiting`))
  })

  test(`${signal} lets sessions finish and accepts no new ones`, async (t) => {
    const relay = await relayTo(await remoteThat(echoes).start(t)).start(t)
    const client = await relay.connect()
    await client.exchange('before')
    relay.signal(signal)
    await until('the listener to be closed', () => listeningPortsOf(relay.pid).length === 0)
    assert.equal(await (await relay.connect()).ending(), 'ECONNREFUSED')
    assert.equal(await client.exchange('after'), 'after')
    await client.endWriting()
    assert.equal(await client.readToEnd(), '')
    assert.deepEqual(await relay.ended(1_500), IN_ORDER)
  })

  test(`a second ${signal} resets the remaining sessions`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    const relay = await relayTo(remote).with('access log = stderr').start(t)
    const client = await relay.connect()
    await client.exchange('before')
    relay.signal(signal)
    await relay.logged(/exiting/)
    relay.signal(signal)
    assert.equal(await client.ending(), 'ECONNRESET')
    await remote.holds(0)
    assert.deepEqual(await relay.ended(1_500), IN_ORDER)
    await relay.logged(/end=shutdown/)
  })
}

const GRACES = variants<{ how: string; plan: { lines: string[]; words: string[] } }>(
  [{ how: '-t 1', plan: { lines: ['grace period = 60'], words: ['-t', '1'] } }],
  [{ how: 'grace period = 1', plan: { lines: ['grace period = 1'], words: [] } }],
)

for (const { how, plan } of GRACES) {
  test(`sessions are reset after the grace period of ${how}`, async (t) => {
    const remote = await remoteThat(echoes).start(t)
    await takes({ minMs: 900, maxMs: 2_000 }, async () => {
      const relay = await relayTo(remote)
        .with(...plan.lines)
        .startedWith(...plan.words)
        .start(t)
      const client = await relay.connect()
      await client.exchange('before')
      const startedMs = performance.now()
      relay.signal('SIGTERM')
      assert.equal(await client.ending(), 'ECONNRESET')
      const tookMs = performance.now() - startedMs
      await relay.logged(/the grace period is over/)
      assert.deepEqual(await relay.ended(1_500), IN_ORDER)
      return tookMs
    })
  })
}

test('-t 0 resets sessions at once', async (t) => {
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .startedWith('-t', '0')
    .start(t)
  const client = await relay.connect()
  await client.exchange('before')
  relay.signal('SIGTERM')
  assert.equal(await client.ending(), 'ECONNRESET')
  assert.deepEqual(await relay.ended(1_500), IN_ORDER)
})

for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGPIPE'] as const) {
  test(`${signal} does no harm`, async (t) => {
    const relay = await relayTo(await remoteThat(echoes).start(t)).start(t)
    const client = await relay.connect()
    for (let i = 0; i < 5; i++) relay.signal(signal)
    assert.equal(await client.exchange('hello'), 'hello')
    assert.equal(await (await relay.connect()).exchange('hello'), 'hello')
    assert.ok(isAlive(relay.pid))
  })
}

test('SIGUSR1 opens no port', async (t) => {
  const relay = await relayTo(await remoteThat(echoes).start(t)).start(t)
  relay.signal('SIGUSR1')
  await provesNoInspector(relay)
})

test('SIGUSR1 opens no port while the program starts', async (t) => {
  const file = relayTo(await remoteThat(echoes).start(t)).file(t)
  const program = startTcprelay(t, ['-D', file])
  // Earlier there is no handler, and the signal would end the process.
  await until('a handler for SIGUSR1', () => program.hasEnded || handlesSignal(program.pid, SIGUSR1))
  for (let i = 0; i < 20 && program.stderr.matching(/bind to/).length === 0; i++) {
    program.signal('SIGUSR1')
    await until('the next moment', () => true)
  }
  await program.stderr.reached(/bind to .* succeeded/)
  // Node's own handler was installed before ours; the program closes what it opened when it serves.
  await until('the inspector to be gone', () => !hasInspector(program))
})

test('a closed stderr does not end the program', async (t) => {
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .with('access log = stderr')
    .start(t)
  relay.program.closeStderr()
  for (let i = 0; i < 20; i++) {
    const client = await relay.connect()
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
  }
  relay.signal('SIGHUP')
  assert.equal(await (await relay.connect()).exchange('hello'), 'hello')
})

for (const moment of [/startup/, /bind to/]) {
  test(`SIGHUP does no harm at ${moment}`, async (t) => {
    const program = await signalledAt(t, moment, 'SIGHUP')
    await program.stderr.reached(/bind to .* succeeded/)
    await until('a handler for SIGTERM', () => program.hasEnded || handlesSignal(program.pid, SIGTERM))
    program.signal('SIGTERM')
    assert.deepEqual(await program.ended(), IN_ORDER)
  })

  test(`SIGTERM ends in order at ${moment}`, async (t) => {
    const pidfile = join(temporaryFolder(t), 'pid')
    const program = await signalledAt(t, moment, 'SIGTERM', '-p', pidfile)
    assert.deepEqual(await program.ended(), IN_ORDER)
    assert.equal(existsSync(pidfile), false)
  })
}

/** The program, which gets a signal as soon as it has written a line. */
async function signalledAt(t: TestContext, line: RegExp, signal: NodeJS.Signals, ...words: string[]) {
  const file = relayTo(await remoteThat(echoes).start(t)).file(t)
  const program = startTcprelay(t, ['-D', ...words, file])
  program.stderr.onLine((text) => line.test(text) && program.signal(signal))
  return program
}

/** When a signal sent later has been handled, an inspector would be open. */
async function provesNoInspector(relay: Relay): Promise<void> {
  relay.signal('SIGHUP')
  await relay.logged(/SIGHUP/)
  assert.deepEqual(listeningPortsOf(relay.pid), [relay.port()])
}

function hasInspector({ pid }: Program): boolean {
  return listeningPortsOf(pid).includes(INSPECTOR_PORT)
}
