import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { afterwards, temporaryFolder } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { isAlive } from '../harness/proc.js'
import { startTcprelay, tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

const CANNOT_CREATE = 73

test('-p writes the process id with a newline, and the file is removed at the end', async (t) => {
  const pidfile = join(temporaryFolder(t), 'tcprelay.pid')
  writeFileSync(pidfile, 'something long that an earlier process has left\n')
  const relay = await relayTo(await remoteThat(echoes).start(t))
    .startedWith('-p', pidfile)
    .start(t)
  assert.equal(readFileSync(pidfile, 'utf8'), `${relay.pid}\n`)
  relay.signal('SIGTERM')
  await relay.ended()
  assert.equal(existsSync(pidfile), false)
})

test('pidfile can be configured, and -p overrides it', async (t) => {
  const folder = temporaryFolder(t)
  const [configured, given] = [join(folder, 'configured'), join(folder, 'given')]
  const plan = relayTo(await remoteThat(echoes).start(t)).withMaster(`pidfile = ${configured}`)
  const first = await plan.start(t)
  assert.equal(readFileSync(configured, 'utf8'), `${first.pid}\n`)
  const second = await plan.startedWith('-p', given).start(t)
  assert.equal(readFileSync(given, 'utf8'), `${second.pid}\n`)
})

test('a second instance refuses to start and keeps the file of the first', async (t) => {
  const pidfile = join(temporaryFolder(t), 'tcprelay.pid')
  const plan = relayTo(await remoteThat(echoes).start(t)).startedWith('-p', pidfile)
  const first = await plan.start(t)
  const second = await tcprelay(t, ['-D', '-p', pidfile, plan.file(t)])
  assert.equal(second.code, CANNOT_CREATE)
  assert.match(second.stderr, /is locked: another instance is running/)
  assert.equal(readFileSync(pidfile, 'utf8'), `${first.pid}\n`)
  assert.equal(await (await first.connect()).exchange('still here'), 'still here')
})

test('the file of a killed process is taken over', async (t) => {
  const pidfile = join(temporaryFolder(t), 'tcprelay.pid')
  const plan = relayTo(await remoteThat(echoes).start(t)).startedWith('-p', pidfile)
  const first = await plan.start(t)
  first.signal('SIGKILL')
  await first.ended()
  const second = await plan.start(t)
  assert.equal(readFileSync(pidfile, 'utf8'), `${second.pid}\n`)
})

for (const how of ['-b', 'background = yes'] as const) {
  test(`${how} returns when the relay serves in the background`, async (t) => {
    const folder = temporaryFolder(t)
    const [pidfile, socket] = [join(folder, 'pid'), join(folder, 'listener')]
    const plan = relayTo(await remoteThat(echoes).start(t))
      .listeningOn(`path = ${socket}`)
      .withMaster(...(how === '-b' ? [] : [how]))
    const words = [...(how === '-b' ? [how] : []), '-p', pidfile, plan.file(t)]
    const starter = startTcprelay(t, words)
    assert.deepEqual(await starter.ended(), { code: 0, signal: null })
    const pid = Number(readFileSync(pidfile, 'utf8'))
    endsAfterwards(t, pid)
    assert.notEqual(pid, starter.pid)
    const client = await Client.connect(t, { path: socket })
    assert.equal(await client.exchange('alone'), 'alone')
    await client.close()
    process.kill(pid, 'SIGTERM')
    await until('the relay to end', () => !isAlive(pid))
    assert.equal(existsSync(pidfile), false)
  })
}

test('a relay that cannot start in the background reports it, with its exit code', async (t) => {
  const owner = await remoteThat(echoes).start(t)
  const file = relayTo(owner).listeningOn(`address = 127.0.0.1 port = ${owner.port}`).file(t)
  const { code, stderr } = await tcprelay(t, ['-D', '-b', file])
  assert.equal(code, 75)
  assert.match(stderr, /address already in use/)
})

test('-f overrides background = yes', async (t) => {
  const plan = relayTo(await remoteThat(echoes).start(t)).withMaster('background = yes')
  const relay = await plan.startedWith('-f').start(t)
  assert.equal(await (await relay.connect()).exchange('hello'), 'hello')
})

/** Ends a background process that the test may have left. */
function endsAfterwards(t: TestContext, pid: number): void {
  afterwards(t, async () => {
    if (isAlive(pid)) process.kill(pid, 'SIGKILL')
    await until('the background process to be gone', () => !isAlive(pid))
  })
}
