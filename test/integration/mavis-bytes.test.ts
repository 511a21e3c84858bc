/** Arbitrary output of helpers, and exceptions in its handlers, cost neither clients nor processes. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { INJECTED, MARKER } from '../harness/injected-failures.js'
import { Master } from '../harness/master.js'
import { ANN, BOB, clientFrom, Policy } from '../harness/mavis.js'
import { MODES, type Running, SINGLE } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { Relay, type RelayPlan, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'

for (const { name: mode, start, textOf } of MODES) {
  async function startWith(t: TestContext, plan: RelayPlan): Promise<Running> {
    const running = await start(t, plan)
    if (running instanceof Relay) await running.hasHelpers(1)
    return running
  }

  async function serves(t: TestContext, running: Running, address: string): Promise<void> {
    const client = await clientFrom(t, address, running.port())
    assert.equal(await client.exchange('hello'), 'hello')
    await client.close()
  }

  test(`${mode}: serves all clients while a helper writes endless lines in any chunks`, async (t) => {
    if (!needs(t, 'python3')) return
    const policy = new Policy(t, { [ANN]: 'shout 2000,10 ACK', [BOB]: 'shout 1024,1,1,5000 ACK' })
    const plan = relayTo(await remoteThat(echoes).start(t)).with(
      'mavis authorization = host',
      policy.module(1),
    )
    const running = await startWith(t, plan)
    for (const address of [ANN, BOB, ANN]) await serves(t, running, address)
    for (const nth of [1, 2, 3]) await running.logged(/policy\.py: \d+: x{1024}…$/, nth)
    assert.ok(!running.program.hasEnded)
  })

  test(`${mode}: ends only the helper whose handler throws`, async (t) => {
    if (!needs(t, 'python3')) return
    const policy = new Policy(t, { [ANN]: `mumble ${MARKER} ACK`, [BOB]: 'ACK' })
    const plan = relayTo(await remoteThat(echoes).start(t)).with(
      'mavis authorization = host',
      policy.module(1),
    )
    const running = await startWith(t, plan.running({ env: INJECTED }))
    await serves(t, running, BOB)
    const refused = await clientFrom(t, ANN, running.port())
    await running.logged(
      /internal error while handling the standard error of a mavis helper .*: Error: injected$/,
    )
    await running.logged(/ {4}at LineSplitter\.push/)
    await refused.ending()
    await serves(t, running, BOB)
    assert.ok(!running.program.hasEnded)
  })

  test(`${mode}: keeps the old configuration when a reload throws`, async (t) => {
    const plan = relayTo(await remoteThat(echoes).start(t))
    const running = await start(t, plan.running({ env: INJECTED }))
    await serves(t, running, ANN)
    await reload(running, `# ${MARKER}\n${textOf(plan)}`, /the old one goes on/)
    await serves(t, running, ANN)
    await reload(running, textOf(plan))
    await serves(t, running, ANN)
  })
}

for (const { name: mode, start } of MODES.filter(({ name }) => name !== SINGLE.name)) {
  test(`${mode}: ends only the child whose message handler throws`, async (t) => {
    const plan = relayTo(await remoteThat(echoes).start(t))
    const NOTIFY_SOCKET = `@tcprelay-test-${process.pid}`
    const env = { ...INJECTED, NOTIFY_SOCKET, TCPRELAY_TEST_BREAK_LINK: 'yes' }
    const running = await start(t, plan.running({ env }))
    await running.logged(/internal error while handling a message of a child .*: Error: injected$/)
    await running.logged(/child \(pid \d+\) terminated (?:abnormally \(signal SIGKILL\)|normally)/)
    // The descriptors that were noted at the start may be those of the child that was just being killed.
    if (running instanceof Master) await running.idlesAt(1)
    const client = await clientFrom(t, ANN, running.port())
    assert.equal(await client.exchange('hello'), 'hello')
  })
}
