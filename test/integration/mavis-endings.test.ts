import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Question } from '../../src/base/authorization.js'
import { Authorizer } from '../../src/mavis/authorizer.js'
import type { MavisSettings } from '../../src/mavis/settings.js'
import { afterwards } from '../harness/clean-up.js'
import type { Client } from '../harness/client.js'
import { ANN, clientFrom, Policy } from '../harness/mavis.js'
import { externalSettings } from '../harness/mavis-helper.js'
import { MODES } from '../harness/modes.js'
import { needs } from '../harness/needs.js'
import { childrenOf, isAlive, titleOf } from '../harness/proc.js'
import { Relay, relayTo } from '../harness/relay.js'
import { reload } from '../harness/reload.js'
import { echoes, remoteThat } from '../harness/remote.js'
import { until, within } from '../harness/until.js'
import { STRICT } from '../support/boundaries.js'

const QUESTION: Omit<Question, 'token'> = {
  childSlot: 0,
  client: ANN,
  server: '127.0.0.1',
  realm: '',
  serverName: undefined,
  identity: undefined,
}

/** Helpers of a program and its children. */
function helpersOf(pid: number): number[] {
  try {
    if (titleOf(pid).includes('policy.py')) return [pid]
    return childrenOf(pid).map(Number).flatMap(helpersOf)
  } catch {
    return [] // it has just ended
  }
}

async function echoed(client: Client): Promise<void> {
  assert.equal(await client.exchange('hello'), 'hello')
}

for (const { name: mode, start, textOf } of MODES) {
  test(`${mode}: leaves no helper behind, whatever the helper does`, async (t) => {
    if (!needs(t, 'python3')) return
    const policy = new Policy(t, { [ANN]: 'deaf' })
    const remote = await remoteThat(echoes).start(t)
    const plan = relayTo(remote).with('mavis authorization = host', policy.module(1))
    const running = await start(t, plan)
    if (running instanceof Relay) await running.hasHelpers(1)
    const client = await clientFrom(t, ANN, running.port())
    await echoed(client)
    const helpers = await until('the helper', () => {
      const found = helpersOf(running.pid)
      return found.length > 0 && found
    })
    await client.close()
    running.signal('SIGTERM')
    await running.program.ended()
    await until('the helpers to end', () => !helpers.some(isAlive))
  })

  test(`${mode}: runs no helpers while only old sessions remain`, async (t) => {
    if (!needs(t, 'python3')) return
    const [old, next] = [new Policy(t, { [ANN]: 'ACK' }), new Policy(t, { [ANN]: 'ACK' })]
    const plan = relayTo(await remoteThat(echoes).start(t)).with('mavis authorization = host')
    const running = await start(t, plan.with(old.module(2)))
    const client = await clientFrom(t, ANN, running.port())
    await echoed(client)
    const before = await until('the helpers', () => {
      const found = helpersOf(running.pid)
      return found.length === 2 && found
    })
    await reload(running, textOf(plan.with(next.module(3))))
    const after = await until('the helpers of the new configuration alone', () => {
      const found = helpersOf(running.pid)
      return found.length === 3 && found
    })
    assert.ok(after.every((pid) => !before.includes(pid)))
    await echoed(client)
    running.signal('SIGTERM')
    await until('all helpers to end', () => helpersOf(running.pid).length === 0)
    await echoed(client)
    await client.close()
    await running.program.ended()
  })
}

test('starts helpers for rare queries even while old ones end slowly', async (t) => {
  if (!needs(t, 'python3')) return
  const { pid } = process
  afterwards(t, () => assert.deepEqual(childrenOf(pid), [], 'helpers are left'))
  const external = externalSettings('python3', ['ends late'], { childrenMin: 1, childrenMax: 1 })
  const settings: MavisSettings = {
    authorization: 'host',
    fallback: 'deny',
    timeoutMs: 10_000,
    cacheTimeoutMs: 0,
    members: [],
    modules: [external],
  }
  const authority = new Authorizer(settings, {
    say: () => {},
    boundary: STRICT,
    nowMs: () => performance.now(),
  })
  afterwards(t, () => within('the authority to close', authority.close()))
  authority.retire()
  for (let token = 1; token <= 5; token++) {
    const verdict = await within(
      'an answer',
      new Promise((done) => authority.ask({ ...QUESTION, token }, done)),
    )
    assert.deepEqual(verdict, { isPermitted: true })
  }
  await until('the helper to end', () => childrenOf(pid).length === 0)
})
