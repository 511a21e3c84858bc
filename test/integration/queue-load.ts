import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { CountingRemote } from '../harness/counting-remote.js'
import { Visitors } from '../harness/load.js'
import { DIRECT, spawning, startMaster } from '../harness/master.js'
import { relayTo } from '../harness/relay.js'

const MAX = 12
const SERVICE_MS = 5
const PER_SECOND = 2_000
const CHILDREN = 3

/** More than a place is free on a machine that does nothing else: the test's own event loop is what takes its time here. */
const IDLE_MEDIAN_MS_MAX = 250

/** As many connections as the limit lets through, and more, over three children: never one too many, and none lost. */
export async function competeForPlaces(
  t: TestContext,
  accept: 'broker' | 'direct',
  forMs: number,
): Promise<void> {
  const remote = await CountingRemote.start(t, SERVICE_MS)
  const more = accept === 'direct' ? [DIRECT] : []
  const plan = relayTo(remote.with(`max connections = ${MAX}`))
    .with('queue = { timeout = 60s }')
    .withMaster(spawning([CHILDREN, CHILDREN], [1, 1_000], ...more))
  const master = await startMaster(t, plan, { children: CHILDREN })
  const visitors = new Visitors(t, master.port(), PER_SECOND)
  remote.isWaitedFor = () => visitors.visits.length - visitors.served > 2 * MAX
  const startedMs = performance.now()
  do await visitors.serveMore(1_000)
  while (performance.now() - startedMs < forMs)
  const { served } = visitors
  const seconds = (performance.now() - startedMs) / 1_000
  await visitors.stop()
  assert.equal(visitors.failed[0]?.failure, undefined)
  const idle = remote.idleMs.sort((a, b) => a - b)
  const quantile = (q: number) => idle[Math.floor(q * (idle.length - 1))] ?? 0
  t.diagnostic(
    `${accept}: ${Math.round(served / seconds)} connections/s, at most ${remote.highest} of ${MAX} at a time; ` +
      `${idle.length} places taken after ${quantile(0.5).toFixed(1)} ms (p50), ${quantile(0.99).toFixed(1)} ms (p99), ` +
      `${quantile(1).toFixed(1)} ms (most)`,
  )
  assert.equal(remote.highest, MAX)
  assert.deepEqual(master.program.stderr.matching(/corrected \d+ numbers/), [])
  assert.ok(quantile(0.5) < IDLE_MEDIAN_MS_MAX, `half of the places were free for ${quantile(0.5)} ms`)
}
