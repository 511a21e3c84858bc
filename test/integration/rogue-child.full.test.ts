import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { temporaryFolder } from '../harness/clean-up.js'
import { DIRECT, type Master, spawning, startMaster } from '../harness/master.js'
import { isAlive } from '../harness/proc.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { ACCEPT_WAYS, variants } from '../harness/variants.js'

/** A child may start slowly on a busy machine. */
const SLOW_MS = 30_000

interface Attacked {
  readonly master: Master
  readonly victim: number
  readonly others: readonly number[]
  readonly report: string
}

/** A master with two children, one of which attacks at its next SIGUSR2. */
async function startAttacked(
  t: TestContext,
  attack: string,
  mode: string,
  ...more: string[]
): Promise<Attacked> {
  const seed = Date.now() % 2 ** 31
  t.diagnostic(`seed ${seed}`)
  const report = join(temporaryFolder(t), 'report')
  const remote = await remoteThat(echoes).start(t)
  const lines = mode === 'direct' ? [DIRECT, ...more] : more
  // The attacks write a report, and need calls that the sandbox refuses.
  const plan = relayTo(remote)
    .with('sandbox = no')
    .withMaster(spawning([2, 2], [1, 1_000], ...lines))
  const preload = fileOfProject('dist/test/harness/rogue-child.js')
  const words = ['--import', `file://${preload}?attack=${attack}&seed=${seed}&report=${report}`]
  const master = await startMaster(t, plan, { children: 2, nodeWords: words })
  const [victim = 0, ...others] = master.children()
  return { master, victim, others, report }
}

/** The master and the other child continue, and the dead child has a successor. */
async function goesOn({ master, others, victim }: Attacked): Promise<void> {
  await until('the child to end', () => !isAlive(victim), SLOW_MS)
  const now = await master.hasChildren(2, SLOW_MS)
  assert.deepEqual(now.slice(0, 1), others, 'the other one is that of before')
  await serves(master)
}

async function serves(master: Master): Promise<void> {
  for (let i = 0; i < 6; i++) {
    const client = await master.connect()
    assert.equal(await client.exchange(`client ${i}`), `client ${i}`)
    await client.close()
  }
}

for (const { attack, mode } of variants(
  [
    { attack: 'link-random', mode: 'direct' },
    { attack: 'wire-random', mode: 'broker' },
  ],
  [
    { attack: 'link-object', mode: 'broker' },
    { attack: 'link-resolve', mode: 'broker' },
    { attack: 'link-int32', mode: 'direct' },
    { attack: 'link-flood', mode: 'direct' },
    { attack: 'link-random', mode: 'broker' },
    { attack: 'wire-bad-configuration', mode: 'broker' },
  ],
)) {
  test(`a child that attacks is killed, with one log line and no effect on others: ${attack}, ${mode}`, async (t) => {
    const attacked = await startAttacked(t, attack, mode)
    const { master, victim } = attacked
    process.kill(victim, 'SIGUSR2')
    await master.logged(new RegExp(`killing child \\(pid ${victim}\\): it (sent|said|reported|asked)`))
    await master.logged(new RegExp(`child \\(pid ${victim}\\) terminated abnormally \\(signal SIGKILL\\)`))
    await goesOn(attacked)
    assert.equal(master.program.stderr.matching(/killing child/).length, 1)
  })
}

for (const mode of ACCEPT_WAYS) {
  test(`a child overwrites all shared memory that it can: others continue and new ones start: ${mode}`, async (t) => {
    const attacked = await startAttacked(t, 'cells', mode)
    const { master, others, report, victim } = attacked
    process.kill(victim, 'SIGUSR2')
    await goesOn(attacked)
    assert.deepEqual(readFileSync(report, 'utf8').split('\n'), [
      '4 EPERM',
      '4 EPERM',
      '5 written',
      '5 EPERM',
      '6 written',
      '6 EPERM',
    ])
    for (const pid of others) process.kill(pid, 'SIGKILL')
    await until('the others to end', () => !others.some(isAlive))
    await master.hasChildren(2, SLOW_MS)
    await serves(master)
    const strange = master.program.stderr.matching(/NaN|another version|RangeError|SIGBUS|SIGSEGV/)
    assert.deepEqual(strange, [])
  })
}

test('a child that makes the wake-up descriptor blocking and full stops neither its replacement nor SIGTERM', async (t) => {
  const attacked = await startAttacked(t, 'wakeup', 'direct')
  process.kill(attacked.victim, 'SIGUSR2')
  await goesOn(attacked)
  attacked.master.signal('SIGTERM')
  assert.deepEqual(await attacked.master.ended(), { code: 0, signal: null })
})

for (const mode of ACCEPT_WAYS) {
  test(`a child that hangs is killed after its timeout, a stopped one is not: ${mode}`, async (t) => {
    const attacked = await startAttacked(t, 'hang', mode, 'hang timeout = 3')
    const { master, others, victim } = attacked
    const [stopped = 0] = others
    process.kill(stopped, 'SIGSTOP')
    process.kill(victim, 'SIGUSR2')
    await master.logged(
      new RegExp(`killing child \\(pid ${victim}\\): it does not answer any more`),
      1,
      SLOW_MS,
    )
    assert.ok(isAlive(stopped))
    process.kill(stopped, 'SIGCONT')
    await goesOn(attacked)
    assert.equal(master.program.stderr.matching(/killing child/).length, 1)
  })
}
