/** The part of the poller contract (poller.contract.ts) about busy loops and starvation. */
import assert from 'node:assert/strict'
import { openEventFd } from '../../src/kernel/eventfd.js'
import { FAILED, HUNG_UP, PEER_ENDED, READABLE, ReadyList, URGENT } from '../../src/reactor/poller.js'
import { calls, done, drainDry, sendText, sendUrgent } from '../support/sockets.js'
import { type Bench, EVENT_MAX_MS, type Test } from './poller-bench.js'

/** Conditions that a level-triggered poller would report on every wait: none may make the loop spin. */
export function nothingSpins(test: Test): void {
  const assertQuietForLong = (bench: Bench) => {
    for (let i = 0; i < 10; i++) bench.assertQuiet()
    assert.equal(bench.wait(20).size, 0, 'a wait lasts until its timeout')
  }

  test('does not spin on unread bytes', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    assertQuietForLong(bench)
  })

  test('does not spin on unused room in the send buffer', (bench) => {
    bench.quietStream(7)
    assertQuietForLong(bench)
  })

  test('does not spin on a stream with unread bytes that is shut down on both sides', (bench) => {
    const { far, near } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    calls.shutdownWrite(far)
    calls.shutdownWrite(near)
    bench.waitFor(7, PEER_ENDED | HUNG_UP)
    assertQuietForLong(bench)
  })

  test('does not spin on a paused stream that is shut down on both sides', (bench) => {
    const { far, near } = bench.quietStream(7)
    bench.poller.pauseReads(near, 7)
    calls.shutdownWrite(far)
    calls.shutdownWrite(near)
    bench.waitFor(7, PEER_ENDED | HUNG_UP)
    assertQuietForLong(bench)
  })

  test('does not spin on the reset of a stream with unread bytes', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    calls.resetOnClose(far)
    calls.close(far)
    bench.waitFor(7, FAILED)
    assertQuietForLong(bench)
  })

  test('does not spin on unread urgent data', (bench) => {
    const { near, far } = bench.quietStream(7)
    sendUrgent(far)
    bench.waitFor(7, URGENT)
    assertQuietForLong(bench)
    drainDry(near)
    bench.poller.again(near, 7, READABLE)
    assertQuietForLong(bench)
  })
}

/** Descriptors that are always ready must not starve the others. */
export function sharing(test: Test): void {
  test('reports every descriptor while more of them are always ready than the list has room for', (bench) => {
    const small = new ReadyList(2)
    const wakes = [1, 2, 3, 4].map(() => openEventFd())
    for (const [i, wake] of wakes.entries()) {
      bench.poller.add(wake.fd, i, 'level')
      wake.wake()
    }
    bench.poller.add(bench.pair().near, 7, 'stream')
    const reported = new Set<number>()
    for (let rounds = 0; rounds < 10; rounds++) {
      const count = done(bench.poller.wait(small, EVENT_MAX_MS))
      for (let i = 0; i < count; i++) reported.add(small.tokens[i] ?? -1)
    }
    assert.deepEqual([...reported].sort(), [0, 1, 2, 3, 7])
    for (const wake of wakes) wake.close()
  })
}
