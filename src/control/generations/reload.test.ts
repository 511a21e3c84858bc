import assert from 'node:assert/strict'
import { test } from 'node:test'
import { configurationText, HeadWorld, settled } from '../../../test/support/head-world.js'
import { OLD_GENERATIONS_MAX } from './reload.js'

const IN_FORCE = /the new configuration is in force/

async function serving(...parts: Parameters<typeof HeadWorld.start>): Promise<HeadWorld> {
  const world = await HeadWorld.start(...parts)
  world.serving()
  world.since()
  return world
}

test('a reload prepares, then puts in force, and keeps the listener', async (t) => {
  const world = await serving(t)
  await world.reload(configurationText('idle timeout = 1h'))
  assert.equal(world.workers.prepared.length, 1)
  assert.deepEqual(world.since(), ['manager reloading', 'in force, kept 0,0', 'manager ready'])
  assert.equal(world.logged(IN_FORCE), 1)
})

test('a broken configuration changes nothing', async (t) => {
  const world = await serving(t)
  await world.reload(configurationText('idle timeoot = 1h'))
  assert.equal(world.logged(/the new configuration is wrong: the old one goes on/), 1)
  assert.deepEqual(world.since(), ['manager reloading', 'manager ready'])
  await world.reload(configurationText())
  assert.equal(world.logged(IN_FORCE), 1, 'the next one is read')
})

test('a generation that cannot be prepared is given up', async (t) => {
  const world = await serving(t)
  const { prepare } = world.workers
  world.workers.prepare = async () => 'no child starts'
  await world.reload(configurationText())
  assert.equal(world.logged(/err: no child starts: the old one goes on/), 1)
  assert.deepEqual(world.since(), ['manager reloading', 'forget', 'manager ready'])
  world.workers.prepare = prepare
  await world.signal('SIGHUP')
  assert.deepEqual(world.since(), ['manager reloading', 'in force, kept 0,0', 'manager ready'])
})

test('requests during a reload are granted after it, once', async (t) => {
  const world = await serving(t)
  let resume = (_problem?: string) => {}
  world.workers.prepare = () =>
    new Promise((resolve) => {
      resume = resolve
    })
  await world.signal('SIGHUP')
  await world.signal('SIGHUP')
  await world.signal('SIGHUP')
  assert.equal(world.logged(/SIGHUP: reloading/), 1)
  resume()
  await settled()
  assert.equal(world.logged(/SIGHUP: reloading/), 2)
  resume()
  await settled()
  assert.deepEqual([world.logged(/SIGHUP: reloading/), world.logged(IN_FORCE)], [2, 2])
})

test('the end of the process gives up a reload in progress without a message', async (t) => {
  const world = await serving(t)
  let resume = (_problem?: string) => {}
  world.workers.prepare = () =>
    new Promise((resolve) => {
      resume = resolve
    })
  await world.signal('SIGHUP')
  await world.signal('SIGTERM')
  world.since()
  resume('no child starts')
  await settled()
  assert.ok(world.since().includes('forget'))
  assert.deepEqual([world.logged(IN_FORCE), world.logged(/goes on/)], [0, 0])
})

test('keeps a limited number of old generations: one more ends the oldest', async (t) => {
  const world = await serving(t)
  const [first] = world.workers.generations
  for (let nth = 1; nth <= OLD_GENERATIONS_MAX; nth++) {
    await world.signal('SIGHUP')
    assert.ok(!world.since().includes('end a generation'), `after ${nth} reloads`)
  }
  await world.signal('SIGHUP')
  assert.ok(world.since().includes('end a generation'))
  assert.ok(first !== undefined && !world.workers.generations.includes(first))
})

test('an old generation is ended after its timeout', async (t) => {
  const world = await serving(t)
  const text = configurationText().replace('single process', 'old generation timeout = 5 single process')
  await world.reload(text)
  world.since()
  world.pass(4_999)
  assert.deepEqual(
    world.since().filter((what) => what !== 'ping'),
    [],
  )
  world.pass(1)
  assert.ok(world.since().includes('end a generation'))
})

test('a stale generation is replaced by the same configuration once more', async (t) => {
  const world = await HeadWorld.start(t)
  world.workers.head.onStale()
  await settled()
  assert.equal(world.workers.prepared.length, 0, 'not before it serves')
  world.serving()
  world.workers.head.onStale()
  await settled()
  assert.equal(world.workers.prepared.length, 1)
  assert.equal(world.logged(/SIGHUP/), 0)
})
