import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calls, pollFor } from '../../test/support/sockets.js'
import { F_GETFL, F_SETFL, O_NONBLOCK } from './constants.js'
import { EBADF } from './errno.js'
import { nativeFunction } from './ffi.js'
import { mapPrivate } from './memory.js'
import { openWakeupFd } from './wakeup-fd.js'

const POLL_IN = 1
/** More than fit into the buffer of a pipe or a socket. */
const WAKEUPS = 70_000

test('a wake-up makes the descriptor readable in every process that has a copy', () => {
  const wakeup = openWakeupFd()
  openWakeupFd(wakeup.fd).wake()
  assert.equal(pollFor(wakeup.fd, POLL_IN), POLL_IN)
  wakeup.close()
  assert.equal(calls.recv(wakeup.fd, mapPrivate(8), 0, 1), -EBADF, 'it is closed')
})

test('a wake-up never blocks, also when another process made the descriptor blocking', () => {
  const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  const wakeup = openWakeupFd()
  fcntl(wakeup.fd, F_SETFL, fcntl(wakeup.fd, F_GETFL, 0) & ~O_NONBLOCK)
  for (let i = 0; i < WAKEUPS; i++) wakeup.wake()
  wakeup.close()
})
