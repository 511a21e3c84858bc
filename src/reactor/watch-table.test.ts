import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'

import { closeAll } from '../../test/support/sockets.js'
import { EEXIST, ENOENT } from '../kernel/errno.js'
import { openEventFd } from '../kernel/eventfd.js'
import { FAILED, READABLE, WRITABLE } from './poller.js'
import { WatchTable } from './watch-table.js'

/** More than the initial capacity of a table. */
const DESCRIPTORS = 150

test('holds each added and not removed descriptor once, after any sequence', () => {
  const fds = Array.from({ length: DESCRIPTORS }, () => openEventFd().fd)
  const operation = fc.record({ at: fc.nat(DESCRIPTORS - 1), isAdd: fc.boolean() })
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
      const table = new WatchTable()
      const model = new Map<number, number>()
      for (const [token, { at, isAdd }] of operations.entries()) {
        const fd = fds[at] as number
        if (isAdd) {
          assert.equal(table.add(fd, token, 'stream'), model.has(fd) ? -EEXIST : 0)
          if (!model.has(fd)) model.set(fd, token)
        } else {
          assert.equal(table.remove(fd), model.has(fd) ? 0 : -ENOENT)
          model.delete(fd)
        }
      }
      const held = Array.from({ length: table.count }, (_, i) => [table.fdAt(i), table.tokenAt(i)] as const)
      assert.deepEqual(new Map(held), model)
      assert.equal(table.count, model.size)
      for (const [place, [fd]] of held.entries()) assert.equal(table.placeOf(fd), place)
      table.close()
    }),
    { numRuns: 100 },
  )
  closeAll(...fds)
})

test('a disabled stream requests no events and keeps its entry until it is re-armed', () => {
  const table = new WatchTable()
  const [one, other] = [openEventFd().fd, openEventFd().fd]
  table.add(one, 1, 'stream')
  table.add(other, 2, 'stream')
  table.markReported(0, FAILED | READABLE)
  assert.deepEqual([table.isDisabled(0), table.wantedAt(0), table.fdAt(0)], [true, 0, one])
  table.again(one, WRITABLE)
  assert.equal(table.isDisabled(0), false)
  assert.equal(table.wantedAt(0) & (READABLE | WRITABLE), WRITABLE)
  table.markReported(0, FAILED)
  assert.equal(table.remove(one), 0)
  assert.deepEqual([table.count, table.placeOf(other)], [1, 0])
  table.forget(other, 77)
  assert.equal(table.count, 1, 'the descriptor belongs to another watch')
  table.forget(other, 2)
  assert.equal(table.count, 0)
  table.close()
  closeAll(one, other)
})
