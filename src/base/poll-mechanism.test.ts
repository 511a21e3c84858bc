import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choosePollMechanism, descriptorsOf } from './poll-mechanism.js'

const chosen = (mask: string | undefined) => {
  const choice = choosePollMechanism(mask)
  return 'mechanism' in choice ? choice.mechanism : choice.problem
}

test('chooses epoll without a mask', () => assert.equal(chosen(undefined), 'epoll'))

test('chooses the preferred mechanism that the mask allows and Linux has', () => {
  const masks = { 4: 'epoll', 8: 'poll', 16: 'select', 24: 'poll', 63: 'epoll', 59: 'poll', 51: 'select' }
  for (const [mask, mechanism] of Object.entries(masks)) assert.equal(chosen(mask), mechanism, mask)
  assert.equal(chosen(' 8 '), 'poll')
  assert.equal(chosen('-1'), 'epoll', 'all bits are set')
  assert.equal(chosen('72'), 'poll', 'bits that stand for nothing are ignored')
})

test('the error names the value, its meaning and the available mechanisms', () => {
  const start = 'no working event notification mechanism found: IO_POLL_MECHANISM'
  const offer = 'Linux has epoll (4), poll (8), select (16)'
  assert.equal(chosen('35'), `${start} = 35 stands for kqueue, /dev/poll, port, ${offer}`)
  assert.equal(chosen('0'), `${start} = 0 stands for none, ${offer}`)
  assert.equal(chosen('64'), `${start} = 64 stands for none, ${offer}`)
})

test('rejects a mask that is no number', () => {
  for (const mask of ['', 'epoll', '4x', '0x8', '1e1', '8.5'])
    assert.match(chosen(mask), /^IO_POLL_MECHANISM must be a sum of numbers, not '.*': Linux has epoll \(4\)/)
})

test('only select limits descriptors', () => {
  assert.deepEqual([descriptorsOf('epoll'), descriptorsOf('poll')], [Infinity, Infinity])
  assert.equal(descriptorsOf('select'), 1024)
})
