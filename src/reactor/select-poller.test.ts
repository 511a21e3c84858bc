import assert from 'node:assert/strict'
import { test } from 'node:test'

import { calls, closeAll, done, sendText, unixPair, waitReadable } from '../../test/support/sockets.js'
import { EMFILE } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { READABLE, ReadyList, WRITABLE } from './poller.js'
import { SelectPoller } from './select-poller.js'

/** The same socket under the first free number from `least` on. */
function duplicate(fd: number, least: number): number {
  const F_DUPFD = 0
  const fcntl = nativeFunction<(fd: number, command: number, least: number) => number>(
    'int fcntl(int fd, int command, uintptr_t least)',
  )
  return done(fcntl(fd, F_DUPFD, least))
}

test('watches descriptor 1023 and rejects 1024 with EMFILE', () => {
  const poller = new SelectPoller()
  const ready = new ReadyList(8)
  const { near, far } = unixPair()
  const last = duplicate(near, 1023)
  const beyond = duplicate(near, 1024)
  assert.deepEqual([last, beyond], [1023, 1024])
  assert.equal(poller.add(beyond, 8, 'stream'), -EMFILE)
  poller.forget(beyond, 8)
  assert.ok(poller.remove(beyond) < 0, 'it was not added')
  assert.equal(poller.add(last, 7, 'stream'), 0)
  sendText(far, 'x')
  waitReadable(near)
  assert.equal(poller.wait(ready, 0), 1)
  assert.deepEqual([ready.tokens[0], ready.readiness[0]], [7, READABLE | WRITABLE])
  poller.close()
  closeAll(near, far, last, beyond)
})

test('reports the end of a stream with paused reads while other streams keep the poller busy', () => {
  const poller = new SelectPoller()
  const ready = new ReadyList(8)
  const [unread, busy] = [unixPair(), unixPair()]
  poller.add(unread.near, 1, 'stream')
  poller.pauseReads(unread.near)
  poller.add(busy.near, 2, 'stream')
  calls.shutdownWrite(unread.far)
  const reported = new Set<number>()
  for (const giveUpAt = performance.now() + 10_000; !reported.has(1); ) {
    assert.ok(performance.now() < giveUpAt, 'the end is never reported')
    poller.again(busy.near, 2, WRITABLE)
    const count = done(poller.wait(ready, 1_000))
    assert.ok(count > 0)
    for (let i = 0; i < count; i++) reported.add(ready.tokens[i] as number)
  }
  poller.close()
  closeAll(unread.near, unread.far, busy.near, busy.far)
})
