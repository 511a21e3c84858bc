import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { afterwards } from '../../test/harness/clean-up.js'
import { until } from '../../test/harness/until.js'
import { Heartbeat, isStopped } from './heartbeat.js'

function world() {
  const asked: number[] = []
  const hanging: number[] = []
  const stopped = new Set<number>()
  const heartbeat = new Heartbeat(
    {
      ask: (slot) => void asked.push(slot),
      onHanging: (slot) => void hanging.push(slot),
      pidOf: (slot) => slot + 1_000,
    },
    (pid) => stopped.has(pid - 1_000),
  )
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) heartbeat.tick()
  }
  return { asked, hanging, heartbeat, stopped, rounds }
}

test('reports a child once after three unanswered pings', () => {
  const { asked, hanging, heartbeat, rounds } = world()
  for (const slot of [0, 1]) heartbeat.started(slot)
  for (const slot of [0, 1]) heartbeat.served(slot)
  rounds(3)
  assert.deepEqual(hanging, [])
  heartbeat.answered(1)
  rounds(1)
  assert.deepEqual(hanging, [0])
  rounds(2)
  assert.deepEqual([hanging, asked], [[0], [0, 1, 0, 1, 0, 1, 1, 1, 1]])
})

test('allows four times as many unanswered pings during start', () => {
  const { hanging, heartbeat, rounds } = world()
  heartbeat.started(0)
  rounds(12)
  assert.deepEqual(hanging, [])
  rounds(1)
  assert.deepEqual(hanging, [0])
})

test('does not report a stopped child and gives it full time afterwards', () => {
  const { hanging, heartbeat, stopped, rounds } = world()
  heartbeat.started(0)
  heartbeat.served(0)
  stopped.add(0)
  rounds(100)
  stopped.clear()
  rounds(2)
  assert.deepEqual(hanging, [])
  rounds(1)
  assert.deepEqual(hanging, [0])
})

test('does not ping an ended child', () => {
  const { asked, heartbeat, rounds } = world()
  heartbeat.started(0)
  heartbeat.ended(0)
  heartbeat.answered(0)
  rounds(20)
  assert.deepEqual(asked, [])
})

test('recognises a stopped process until it continues', async (t) => {
  const child = spawn('sleep', ['1000'])
  afterwards(t, () => void child.kill('SIGKILL'))
  const { pid = 0 } = child
  assert.equal(isStopped(pid), false)
  child.kill('SIGSTOP')
  await until('it to stop', () => isStopped(pid))
  child.kill('SIGCONT')
  await until('it to go on', () => !isStopped(pid))
  assert.equal(isStopped(2 ** 30), false, 'no such process')
})
