import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls, pollFor } from '../../test/support/sockets.js'
import { openBellFd } from './bell-fd.js'
import { F_GETFL, F_SETFL, O_NONBLOCK } from './constants.js'
import { EBADF } from './errno.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'

const POLL_IN = 1
const RINGS = 100_000

test('a bell is readable after a ring, by a process that has a copy of it too', () => {
  const bell = openBellFd()
  openBellFd(bell.fd).ring()
  assert.equal(pollFor(bell.fd, POLL_IN), POLL_IN)
  bell.close()
  assert.equal(calls.recv(bell.fd, mapPrivate(8), 0, 1), -EBADF, 'it is closed')
})

test('a ring never blocks, also when a process that shares the bell made it blocking', () => {
  const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  const bell = openBellFd()
  fcntl(bell.fd, F_SETFL, fcntl(bell.fd, F_GETFL, 0) & ~O_NONBLOCK)
  for (let i = 0; i < RINGS; i++) bell.ring()
  bell.close()
})
