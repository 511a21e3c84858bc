import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls, pollFor } from '../../test/support/sockets.js'
import { EBADF } from './errno.js'
import { openEventFd } from './eventfd.js'
import { mapPrivate } from './memory.js'

const POLL_IN_AND_OUT = 5
const POLL_IN = 1

const isAwake = (fd: number) => (pollFor(fd, POLL_IN_AND_OUT) & POLL_IN) !== 0

test('an eventfd is readable from the first wake until clear', () => {
  const wake = openEventFd()
  assert.equal(isAwake(wake.fd), false)
  wake.clear() // nothing to consume: does not block
  for (let i = 0; i < 5; i++) wake.wake()
  assert.equal(isAwake(wake.fd), true)
  wake.clear()
  assert.equal(isAwake(wake.fd), false, 'one clear consumes all wakes')
  wake.wake()
  assert.equal(isAwake(wake.fd), true)
  wake.close()
  assert.equal(calls.recv(wake.fd, mapPrivate(8), 0, 1), -EBADF, 'it is closed')
})

test('a wrapped eventfd wakes the thread that opened it', () => {
  const owner = openEventFd()
  const other = openEventFd(owner.fd)
  other.wake()
  assert.equal(isAwake(owner.fd), true)
  owner.clear()
  assert.equal(isAwake(other.fd), false)
  owner.close()
})
