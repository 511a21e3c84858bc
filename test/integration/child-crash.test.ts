import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Master, spawning, startMaster } from '../harness/master.js'
import { isAlive } from '../harness/proc.js'
import { fileOfProject } from '../harness/program.js'
import { relayTo } from '../harness/relay.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

const EXIT_SOFTWARE = 70

/** How the log names the error that is thrown on purpose. */
const REASONS = variants(
  [
    { where: 'control', reason: /control thread: Error: provoked by a test/ },
    { where: 'reactor', reason: /reactor: TypeError: / },
  ],
  [{ where: 'rejection', reason: /control thread: Error: provoked by a test/ }],
)

/** A master with two children; each of these processes throws at that place on SIGUSR2. */
async function startCrashing(t: TestContext, where: string): Promise<Master> {
  const remote = await remoteThat(echoes).start(t)
  const preload = fileOfProject('dist/test/harness/crash-on-signal.js')
  const plan = relayTo(remote)
    .withTop('debug = CONFIG')
    .withMaster(spawning([2, 2]))
  const words = ['--import', `file://${preload}?${where}`]
  return startMaster(t, plan, { children: 2, nodeWords: words })
}

for (const { reason, where } of REASONS) {
  test(`a child that an exception ends is replaced: ${where}`, async (t) => {
    const master = await startCrashing(t, where)
    const clients = [await master.connect(), await master.connect()]
    for (const client of clients) await client.exchange('before')
    await master.holds(1, 1)
    const [victim = 0, survivor = 0] = master.children()
    process.kill(victim, 'SIGUSR2')
    await until('the child to end', () => !isAlive(victim))
    await master.logged(new RegExp(`tcprelay\\[${victim}\\].*${reason.source}`))
    await master.logged(
      new RegExp(`child \\(pid ${victim}\\) terminated abnormally \\(exit code ${EXIT_SOFTWARE}\\)`),
    )
    const endings = await Promise.all(clients.map((client) => client.exchange('after').catch(() => 'lost')))
    assert.deepEqual(endings.sort(), ['after', 'lost'])
    const now = await master.hasChildren(2)
    assert.ok(now.includes(survivor))
    const later = await Promise.all([master.connect(), master.connect(), master.connect()])
    for (const client of later) assert.equal(await client.exchange('later'), 'later')
  })

  test(`children finish their sessions after an exception ended the master: ${where}`, async (t) => {
    const master = await startCrashing(t, where)
    const client = await master.connect()
    await client.exchange('before')
    await master.holds(1, 0)
    const [busy = 0, idle = 0] = master.children()
    master.signal('SIGUSR2')
    await until('the master to end', () => !isAlive(master.pid))
    await until('the idle child to end', () => !isAlive(idle))
    // Its last thread closes the listener, after /proc already calls the process dead.
    await until(
      'the listener to refuse',
      async () => (await (await master.connect()).ending()) === 'ECONNREFUSED',
    )
    assert.equal(await client.exchange('after'), 'after')
    assert.ok(isAlive(busy))
    await client.close()
    await until('the busy child to end', () => !isAlive(busy))
    // Log lines end with the last process that writes to the pipe.
    assert.deepEqual(await master.ended(), { code: EXIT_SOFTWARE, signal: null })
    await master.logged(new RegExp(`tcprelay\\[${master.pid}\\].*${reason.source}`))
    assert.equal(
      master.program.stderr.matching(/CONFIG: (sections|plan of)/).length,
      3,
      'children that were started in vain',
    )
  })
}
