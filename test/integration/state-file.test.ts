import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { closedPort } from '../harness/closed-port.js'
import { masterText, spawning, startMaster } from '../harness/master.js'
import { MODES } from '../harness/modes.js'
import { tcprelay } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { remoteThat, says } from '../harness/remote.js'
import { until } from '../harness/until.js'

interface Saved {
  readonly version: number
  readonly writtenAt: number
  readonly remotes: Readonly<
    Record<
      string,
      {
        readonly down?: boolean
        readonly reasons: readonly string[]
        readonly flips: { readonly at: readonly number[] }
        readonly results: { readonly at: readonly number[]; readonly up: readonly number[] }
      }
    >
  >
}

for (const mode of MODES) {
  test(`${mode.name}: verdicts and history are kept over a restart`, async (t) => {
    const folder = temporaryFolder(t)
    const file = join(folder, 'state')
    const read = (): Saved => JSON.parse(readFileSync(file, 'utf8'))
    const [first, second] = [await closedPort(), await closedPort()]
    const plan = relayTo(first.target, second.target).with(`state file = ${file}`)
    const before = await mode.start(t, plan.with('health { interval = 50ms timeout = 10s jitter = 0 }'))
    await before.logged(/is down: health check: connection refused/, 2)
    before.signal('SIGTERM')
    await before.ended()
    assert.deepEqual([readdirSync(folder), statSync(file).mode & 0o777], [['state'], 0o600])
    const names = [first, second].map(({ port }) => `127.0.0.1:${port}`)
    const saved = read()
    assert.deepEqual(Object.keys(saved.remotes), names)
    for (const name of names) {
      const { down, flips, reasons, results } = saved.remotes[name] ?? assert.fail(name)
      assert.deepEqual([down, flips.at.length, results.up[0]], [true, 1, 0])
      assert.ok(reasons.includes('connection refused'))
      assert.ok(Math.abs((results.at[0] ?? 0) - saved.writtenAt) < 60_000, 'wall clock')
    }
    // The second one is checked half an hour later.
    await remoteThat(says('first')).start(t, { host: '127.0.0.1', port: first.port })
    const other = await remoteThat(says('second')).start(t, { host: '127.0.0.1', port: second.port })
    const after = await mode.start(t, plan.with('health { interval = 1h jitter = 0 }'))
    await after.logged(new RegExp(`remote ${names[1]} is down: it was when the program stopped`))
    await after.logged(new RegExp(`remote ${names[0]} is up again \\(it was down for \\d+`))
    assert.equal(other.acceptedCount, 0)
    // After a kill it is as old as the last write.
    await until('the flip to be written', () => read().remotes[names[0] ?? '']?.down === false)
    const again = read()
    assert.equal(again.remotes[names[1] ?? '']?.down, true)
    assert.equal(again.remotes[names[0] ?? '']?.flips.at.length, 2)
    assert.ok((again.remotes[names[0] ?? '']?.results.at.length ?? 0) > 1, 'with the results from before')
  })
}

test('verdicts and history outlive a child that is killed, and a reload', async (t) => {
  const file = join(temporaryFolder(t), 'state')
  const [bad, good] = [await remoteThat(says('bad')).start(t), await remoteThat(says('good')).start(t)]
  const { port } = await closedPort()
  const health = `health { interval = 20ms timeout = 10s port = ${port} }`
  const plan = relayTo(bad.with(`name = bad ${health}`), good.with('name = good'))
    .with(`state file = ${file}`, 'balance = round-robin')
    .withMaster(spawning([1, 1], [1, 100]))
  const master = await startMaster(t, plan)
  await master.logged(/remote bad is down: health check: connection refused/)
  const knownAtMs = Date.now()
  const four = async () => {
    const clients = await Promise.all(Array.from({ length: 4 }, () => master.connect()))
    const answers = await Promise.all(clients.map((client) => client.readToEnd()))
    await Promise.all(clients.map((client) => client.close()))
    return answers
  }
  const [killed = 0] = master.children()
  process.kill(killed, 'SIGKILL')
  await until('another child', async () => (await master.hasChildren(1))[0] !== killed)
  assert.deepEqual(new Set(await four()), new Set(['good']))
  await reload(master, masterText(plan.with('idle timeout = 1h')))
  assert.deepEqual(new Set(await four()), new Set(['good']))
  assert.equal(bad.acceptedCount, 0)
  assert.equal(master.program.stderr.matching(/ is (down|up)/).length, 1)
  master.signal('SIGTERM')
  await master.ended()
  const { bad: saved }: Saved['remotes'] = JSON.parse(readFileSync(file, 'utf8')).remotes
  assert.deepEqual([saved?.down, saved?.flips.at.length], [true, 1])
  assert.ok((saved?.results.at[0] ?? Number.NaN) <= knownAtMs, 'the first result is from before')
})

test('verdicts of an old file are not used, its history is', async (t) => {
  const file = join(temporaryFolder(t), 'state')
  const { port, target } = await closedPort()
  const name = `127.0.0.1:${port}`
  const records = { at: [Date.now() - 700_000], up: [0], ms: [0.5], why: [0] }
  const remote = { down: true, since: Date.now() - 800_000, flips: records, results: records, reasons: ['x'] }
  const saved = { version: 1, writtenAt: Date.now() - 660_000, remotes: { [name]: remote }, weather: 'fine' }
  writeFileSync(file, JSON.stringify(saved))
  const relay = await relayTo(target).with(`state file = ${file}`, 'health { interval = 1h }').start(t)
  await relay.logged(/the state file is 11 min( \d+ s)? old: remotes that were down are tried again/)
  await relay.logged(/is down: health check: connection refused$/)
  const { flips } = await until('the flip to be written', () => {
    const { remotes }: Saved = JSON.parse(readFileSync(file, 'utf8'))
    const { flips } = remotes[name] ?? assert.fail()
    return flips.at.length === 2 && remotes[name]
  })
  // Two clocks are read one after the other, and a busy machine may pause between them.
  assert.ok(Math.abs((flips.at[0] ?? 0) - (records.at[0] ?? 0)) < 100, `${flips.at[0]}`)
})

test('a file that cannot be read is one warning, and is replaced', async (t) => {
  const file = join(temporaryFolder(t), 'state')
  const { target } = await closedPort()
  const plan = relayTo(target).with(`state file = ${file}`, 'health { interval = 1h }')
  writeFileSync(file, '{"version": 7}')
  const relay = await plan.start(t)
  await relay.logged(
    /warning: the state file \/.* cannot be used and will be replaced: it was written by a newer/,
  )
  relay.signal('SIGTERM')
  await relay.ended()
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).version, 1)
  assert.equal(relay.program.stderr.matching(/state file/).length, 1)
})

test('`-P` rejects a state file that cannot be replaced', async (t) => {
  const folder = temporaryFolder(t)
  const { target } = await closedPort()
  const check = (path: string) => tcprelay(t, ['-P', relayTo(target).with(`state file = ${path}`).file(t)])
  const ok = await check(join(folder, 'state'))
  assert.equal(ok.code, 0, ok.stderr)
  assert.deepEqual(readdirSync(folder), [], 'nothing is written')
  const { code, stderr } = await check(folder)
  assert.match(stderr, /:\d+:\d+: cannot write '\/.*': it is a directory/)
  assert.notEqual(code, 0)
  const kernel = await check('/proc/sys/state')
  assert.match(kernel.stderr, /cannot write '\/proc\/sys\/state': permission denied/)
})
