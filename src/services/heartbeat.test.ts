import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { test } from 'node:test'
import { afterwards } from '../../test/harness/clean-up.js'
import { until } from '../../test/harness/until.js'
import { Heartbeat, isHeldUp } from './heartbeat.js'

function world() {
  const asked: number[] = []
  const hanging: number[] = []
  const heldUp = new Set<number>()
  const heartbeat = new Heartbeat(
    {
      ask: (slot) => void asked.push(slot),
      onHanging: (slot) => void hanging.push(slot),
      pidOf: (slot) => slot + 1_000,
    },
    (pid) => heldUp.has(pid - 1_000),
  )
  const rounds = (count: number) => {
    for (let i = 0; i < count; i++) heartbeat.look()
  }
  return { asked, hanging, heartbeat, heldUp, rounds }
}

test('a child that leaves three questions unanswered hangs, and is reported once', () => {
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

test('a child that starts has four times as long', () => {
  const { hanging, heartbeat, rounds } = world()
  heartbeat.started(0)
  rounds(12)
  assert.deepEqual(hanging, [])
  rounds(1)
  assert.deepEqual(hanging, [0])
})

test('a child that is stopped does not hang, and has time when it goes on', () => {
  const { hanging, heartbeat, heldUp, rounds } = world()
  heartbeat.started(0)
  heartbeat.served(0)
  heldUp.add(0)
  rounds(100)
  heldUp.clear()
  rounds(2)
  assert.deepEqual(hanging, [])
  rounds(1)
  assert.deepEqual(hanging, [0])
})

test('a child that has ended is not asked', () => {
  const { asked, heartbeat, rounds } = world()
  heartbeat.started(0)
  heartbeat.ended(0)
  heartbeat.answered(0)
  rounds(20)
  assert.deepEqual(asked, [])
})

test('a process that a signal has stopped is held up, until it goes on', async (t) => {
  const child = spawn('sleep', ['1000'])
  afterwards(t, () => void child.kill('SIGKILL'))
  const { pid = 0 } = child
  assert.equal(isHeldUp(pid), false)
  child.kill('SIGSTOP')
  await until('it to stop', () => isHeldUp(pid))
  child.kill('SIGCONT')
  await until('it to go on', () => !isHeldUp(pid))
  assert.equal(isHeldUp(2 ** 30), false, 'nobody')
})
