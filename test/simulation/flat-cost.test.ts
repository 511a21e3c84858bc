import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { CrowdWorld } from '../support/crowd-world.js'
import { ExecutionCounter } from '../support/executed.js'

const FEW = 10
const MANY = 5_000

/**
 * Two counts of the same work may differ by this: V8 does not report a block that ran as often as the code around
 * it. One step per session would make it a hundred times as much.
 */
const BLUR = 0.1

const counter = new ExecutionCounter()
after(() => counter.close())

type Pair = ReturnType<CrowdWorld['connect']>

function requestAndReply(world: CrowdWorld, { client, remote }: Pair): void {
  world.arrive(client, 100)
  world.arrive(remote, 1_000)
}

function wholeConnection(world: CrowdWorld): void {
  const pair = world.connect()
  requestAndReply(world, pair)
  world.arrive(pair.remote, 'end')
  world.arrive(pair.client, 'end')
}

/** The first ones create what later ones reuse. */
function crowdOf(sessions: number): { readonly world: CrowdWorld; readonly one: Pair } {
  const world = new CrowdWorld()
  for (let i = 0; i < 3; i++) wholeConnection(world)
  const one = world.connect()
  for (let i = 1; i < sessions; i++) world.connect()
  requestAndReply(world, one)
  world.pass(100)
  assert.equal(world.openCount, sessions)
  return { world, one }
}

type Work = (world: CrowdWorld, one: Pair) => void

interface Cost {
  readonly executed: number
  readonly calls: number
}

function costOf(sessions: number, work: Work): Cost {
  const { world, one } = crowdOf(sessions)
  work(world, one)
  const callsBefore = world.calls
  const executed = counter.count(() => work(world, one))
  assert.ok(executed > 0, 'nothing of the product ran')
  return { executed, calls: world.calls - callsBefore }
}

const WORK: Readonly<Record<string, Work>> = {
  'a request and its reply': requestAndReply,
  'a whole connection with its line in the access log': wholeConnection,
  'half a second in which nothing happens': (world) => world.pass(500),
}

for (const [name, work] of Object.entries(WORK)) {
  test(`${name}: the same steps and system calls beside ${MANY} sessions as beside ${FEW}`, () => {
    const few = costOf(FEW, work)
    const many = costOf(MANY, work)
    assert.equal(many.calls, few.calls)
    assertAlike(many.executed, few.executed)
  })
}

test('twice the work is twice the steps: the counter works', () => {
  const { world, one } = crowdOf(FEW)
  requestAndReply(world, one)
  const once = counter.count(() => requestAndReply(world, one))
  const twice = counter.count(() => {
    requestAndReply(world, one)
    requestAndReply(world, one)
  })
  assertAlike(twice, 2 * once)
})

function assertAlike(count: number, expected: number): void {
  const difference = Math.abs(count - expected)
  assert.ok(difference <= expected * BLUR, `${count} steps instead of ${expected}`)
}
