import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { calls } from '../../../test/support/sockets.js'
import type { Calls } from '../../kernel/calls.js'
import { EMFILE, EPERM } from '../../kernel/errno.js'
import { countOpenDescriptors } from '../../kernel/limits.js'
import { type Pipe, type PipeOptions, Pipes } from './pipes.js'

const KiB = 1024
const OPTIONS: PipeOptions = { pipesMax: 3, pipeBytes: 256 * KiB }

const openBefore = countOpenDescriptors()
after(() => assert.equal(countOpenDescriptors(), openBefore, 'descriptors are left open'))

/** A pool with a loop of the test's own, and with calls that some of the kernel's can be replaced in. */
function poolOf(options: Partial<PipeOptions> = {}, replaced: Partial<Calls> = {}) {
  const loop = { nowMs: 0, eventCount: 1 }
  return { loop, pipes: new Pipes({ ...calls, ...replaced }, loop, { ...OPTIONS, ...options }) }
}

function borrow(pipes: Pipes): Pipe {
  const pipe = pipes.lend()
  assert.ok(pipe)
  return pipe
}

test('one pipe serves all directions that return it empty', () => {
  const { pipes } = poolOf()
  pipes.addUser()
  pipes.addUser()
  const first = borrow(pipes)
  assert.equal(first.capacity, 256 * KiB)
  pipes.giveBack(first)
  assert.equal(borrow(pipes), first)
  pipes.giveBack(first)
  assert.equal(pipes.openCount, 1)
  pipes.removeUser()
  assert.equal(pipes.openCount, 1)
  pipes.removeUser()
  assert.equal(pipes.openCount, 0)
})

test('a pipe that holds bytes is closed, never lent again', () => {
  const { pipes } = poolOf()
  pipes.addUser()
  const dirty = borrow(pipes)
  dirty.byteCount = 1
  pipes.giveBack(dirty)
  assert.equal(pipes.openCount, 0)
  const clean = borrow(pipes)
  assert.notEqual(clean, dirty)
  assert.equal(clean.byteCount, 0)
  pipes.giveBack(clean)
  pipes.removeUser()
})

test('lends no more than the maximum and closes surplus pipes', () => {
  const { pipes } = poolOf()
  pipes.addUser()
  const lent = [borrow(pipes), borrow(pipes), borrow(pipes)]
  assert.equal(pipes.lend(), undefined)
  for (const pipe of lent) pipes.giveBack(pipe)
  assert.equal(pipes.openCount, 1)
  pipes.removeUser()
  assert.equal(pipes.openCount, 0)
})

test('closes a pipe that is returned after the last splicing direction has stopped', () => {
  const { pipes } = poolOf()
  const pipe = borrow(pipes)
  pipes.giveBack(pipe)
  assert.equal(pipes.openCount, 0)
})

test('falls back to smaller sizes down to 64 KiB', () => {
  const wanted: number[] = []
  const upTo = (most: number): Partial<Calls> => ({
    resizePipe(_fd, byteCount) {
      wanted.push(byteCount)
      return byteCount <= most ? byteCount : -EPERM
    },
  })
  const { pipes } = poolOf({ pipeBytes: 1024 * KiB }, upTo(128 * KiB))
  const pipe = borrow(pipes)
  assert.equal(pipe.capacity, 128 * KiB)
  assert.deepEqual(wanted, [1024 * KiB, 512 * KiB, 256 * KiB, 128 * KiB])
  pipes.giveBack(pipe)
  const narrow = poolOf({ pipeBytes: 1024 * KiB }, upTo(32 * KiB))
  assert.equal(narrow.pipes.lend(), undefined)
  assert.equal(wanted.at(-1), 64 * KiB)
  assert.equal(narrow.pipes.openCount, 0)
})

test('backs off for a second after a refusal', () => {
  let asked = 0
  const refusing: Partial<Calls> = {
    openPipe() {
      asked++
      return -EMFILE
    },
  }
  const { loop, pipes } = poolOf({}, refusing)
  for (const nowMs of [0, 500, 999, 1_000, 1_001, 2_000]) {
    loop.nowMs = nowMs
    assert.equal(pipes.lend(), undefined)
  }
  assert.equal(asked, 3)
})

test('a pipe moves with a frozen session', () => {
  const { pipes } = poolOf({ pipesMax: 1 })
  const other = poolOf({ pipesMax: 0 }).pipes
  const pipe = borrow(pipes)
  pipes.disown(pipe)
  assert.equal(pipes.openCount, 0)
  other.adopt(pipe)
  assert.equal(other.openCount, 1)
  assert.equal(other.lend(), undefined)
  other.giveBack(pipe)
  assert.equal(other.openCount, 0)
})

test('a direction alone may move more per run', () => {
  const { loop, pipes } = poolOf()
  assert.equal(pipes.runBytes, 1024 * KiB)
  loop.eventCount = 50
  assert.equal(pipes.runBytes, 256 * KiB)
})
