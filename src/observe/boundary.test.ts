import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Boundary } from './boundary.js'
import { ERR } from './severity.js'

/** A boundary, what it has logged, and a clock of the test's own. */
function worldOf() {
  const said: string[] = []
  const world = { said, nowMs: 0, ended: 0 }
  const boundary = new Boundary(
    (severity, text) => {
      assert.equal(severity, ERR)
      said.push(text)
    },
    () => world.nowMs,
  )
  return { world, boundary, end: () => void world.ended++ }
}

const fail = (message: string) => {
  throw new RangeError(message)
}

test('passes arguments to a handler that does not throw', () => {
  const { boundary, end, world } = worldOf()
  const got: unknown[] = []
  boundary.guard('bytes', (a: number, b: string) => got.push(a, b), end)(1, 'x')
  assert.deepEqual([got, world.said, world.ended, boundary.count], [[1, 'x'], [], 0, 0])
})

test('an exception ends its source and is logged with its stack', () => {
  const { boundary, end, world } = worldOf()
  boundary.guard('the output of a helper', () => fail('offset is out of bounds'), end)()
  const [head, ...frames] = world.said
  assert.equal(
    head,
    'internal error while handling the output of a helper (1 since the start): RangeError: offset is out of bounds',
  )
  assert.ok(frames.length > 0)
  for (const frame of frames) assert.match(frame, /^ {4}at /)
  assert.match(frames.join(), /boundary\.test/)
  assert.deepEqual([world.ended, boundary.count], [1, 1])
})

test('an asynchronous failure counts as an exception', () => {
  const { boundary, end, world } = worldOf()
  boundary.failed('a file', new RangeError('late'), end)
  assert.deepEqual([world.ended, boundary.count], [1, 1])
  assert.match(world.said[0] ?? '', /^internal error while handling a file .*: RangeError: late$/)
})

test('each kind is reported once a second, and every exception is counted', () => {
  const { boundary, end, world } = worldOf()
  const heads = () => world.said.filter((line) => !line.startsWith('    at '))
  for (let i = 0; i < 100; i++) boundary.run('one', () => fail('a'), end)
  boundary.run('other', () => fail('b'), end)
  world.nowMs = 999
  boundary.run('one', () => fail('c'), end)
  assert.equal(heads().length, 2)
  world.nowMs = 1_000
  boundary.run('one', () => fail('d'), end)
  assert.equal(heads().at(-1), 'internal error while handling one (103 since the start): RangeError: d')
  assert.deepEqual([world.ended, boundary.count], [103, 103])
})

test('an exception of the failure handler is counted and contained', () => {
  const { boundary, world } = worldOf()
  boundary.run(
    'one',
    () => fail('first'),
    () => fail('second'),
  )
  assert.equal(boundary.count, 2)
  assert.match(world.said[0] ?? '', /first$/)
})

test('anything may be thrown, with a message of any length', () => {
  const thrown = [
    undefined,
    null,
    'text',
    { toString: 1 },
    Object.create(null),
    new Error('x'.repeat(100_000)),
  ]
  for (const value of thrown) {
    const { boundary, end, world } = worldOf()
    boundary.run(
      'one',
      () => {
        throw value
      },
      end,
    )
    assert.equal(world.ended, 1)
    assert.ok((world.said[0] ?? '').length < 500)
  }
})

test('a message of several lines cannot forge log lines', () => {
  const { boundary, end, world } = worldOf()
  boundary.run('one', () => fail('a\nRelay: forged'), end)
  assert.ok(world.said.slice(1).every((line) => line.startsWith('    at ')))
})

test('an exception of the log is contained', () => {
  let ended = 0
  const boundary = new Boundary(
    () => fail('disk'),
    () => 0,
  )
  boundary.run(
    'one',
    () => fail('a'),
    () => ended++,
  )
  assert.deepEqual([ended, boundary.count], [1, 1])
})
