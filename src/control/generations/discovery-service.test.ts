import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foundMember as member } from '../../../test/support/found-member.js'
import type { DiscoverPlan } from '../../discovery/discover-plan.js'
import type { SourceEvents } from '../../discovery/source.js'
import { Boundary } from '../../observe/boundary.js'
import { DiscoveryService } from './discovery-service.js'

function planOf(pool: string): DiscoverPlan {
  return {
    pool,
    slots: 4,
    maxRemoved: 1,
    source: { type: 'file', path: pool } as unknown as DiscoverPlan['source'],
  }
}

function serviceOf(known: ReadonlyMap<string, readonly ReturnType<typeof member>[]> = new Map()) {
  const sources = new Map<string, { readonly events: SourceEvents; isClosed: boolean }>()
  const say = () => {}
  const parts = {
    say,
    boundary: new Boundary(say, () => 0),
    resolver: { watch: () => ({ known: new Map(), looked: Promise.resolve(), close() {} }) },
    nowMs: () => 0,
    isInUse: () => false,
    onChanges() {},
    open: async (plan: unknown, events: SourceEvents) => {
      const source = { events, isClosed: false }
      sources.set((plan as { path: string }).path, source)
      return {
        askAgain() {},
        close() {
          source.isClosed = true
        },
      }
    },
  }
  return { service: new DiscoveryService(parts, known), sources }
}

test('the pools of a generation are waited for until they have members or a problem', async () => {
  const { service, sources } = serviceOf(new Map([['saved', [member('s')]]]))
  const looked = service.prepare([planOf('saved'), planOf('good'), planOf('bad')])
  let hasLooked = false
  void looked.then(() => {
    hasLooked = true
  })
  await new Promise(setImmediate)
  assert.deepEqual([...sources.keys()], ['saved', 'good', 'bad'])
  sources.get('good')?.events.onAnswer([member('a')])
  await new Promise(setImmediate)
  assert.equal(hasLooked, false)
  sources.get('bad')?.events.onProblem('refused')
  await looked
  assert.deepEqual(
    service.membersOf('saved').map(({ name }) => name),
    ['s'],
  )
  assert.deepEqual(
    [...service.answers()],
    [
      ['saved', [member('s')]],
      ['good', [member('a')]],
      ['bad', []],
    ],
  )
  service.close()
})

test('a generation that is given up leaves the sources of the present one', async () => {
  const { service, sources } = serviceOf()
  void service.prepare([planOf('old')])
  void service.prepare([planOf('new')])
  await new Promise(setImmediate)
  service.follow([planOf('old')])
  assert.deepEqual([sources.get('old')?.isClosed, sources.get('new')?.isClosed], [false, true])
  assert.deepEqual(service.membersOf('new'), [])
  service.close()
  assert.equal(sources.get('old')?.isClosed, true)
})
