import assert from 'node:assert/strict'
import { openWakeFd } from '../../src/kernel/eventfd.js'
import { ENDED, FAILED, HUNG_UP, READABLE, ReadyList, URGENT } from '../../src/reactor/poller.js'
import { calls, done, drainDry, sendText, sendUrgent } from '../support/sockets.js'
import { type Bench, EVENT_MAX_MS, type Test } from './poller-bench.js'

/** What one poller tells as long as it holds, and another one once: nobody may be told for ever. */
export function nothingSpins(test: Test): void {
  const assertQuietForLong = (bench: Bench) => {
    for (let i = 0; i < 10; i++) bench.assertQuiet()
    assert.equal(bench.wait(20).size, 0, 'the wait is waited out')
  }

  test('bytes that nobody reads', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    assertQuietForLong(bench)
  })

  test('room that nobody wants', (bench) => {
    bench.quietStream(7)
    assertQuietForLong(bench)
  })

  test('both ends, of a stream that nobody reads', (bench) => {
    const { far, near } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    calls.shutdownWrite(far)
    calls.shutdownWrite(near)
    bench.waitFor(7, ENDED | HUNG_UP)
    assertQuietForLong(bench)
  })

  test('both ends, of a hushed stream', (bench) => {
    const { far, near } = bench.quietStream(7)
    bench.poller.hush(near, 7)
    calls.shutdownWrite(far)
    calls.shutdownWrite(near)
    bench.waitFor(7, ENDED | HUNG_UP)
    assertQuietForLong(bench)
  })

  test('a reset of a stream that nobody reads', (bench) => {
    const { far } = bench.quietStream(7)
    sendText(far, 'x')
    bench.waitFor(7, READABLE)
    calls.resetOnClose(far)
    calls.close(far)
    bench.waitFor(7, FAILED)
    assertQuietForLong(bench)
  })

  test('urgent data that nobody takes', (bench) => {
    const { near, far } = bench.quietStream(7)
    sendUrgent(far)
    bench.waitFor(7, URGENT)
    assertQuietForLong(bench)
    drainDry(near)
    bench.poller.again(near, 7, READABLE)
    assertQuietForLong(bench)
  })
}

/** Nobody is forgotten over the others. */
export function sharing(test: Test): void {
  test('those that are always ready let the others be told', (bench) => {
    const small = new ReadyList(2)
    const wakes = [1, 2, 3, 4].map(() => openWakeFd())
    for (const [i, wake] of wakes.entries()) {
      bench.poller.add(wake.fd, i, 'level')
      wake.wake()
    }
    bench.poller.add(bench.pair().near, 7, 'stream')
    const told = new Set<number>()
    for (let rounds = 0; rounds < 10; rounds++) {
      const count = done(bench.poller.wait(small, EVENT_MAX_MS))
      for (let i = 0; i < count; i++) told.add(small.tokens[i] ?? -1)
    }
    assert.deepEqual([...told].sort(), [0, 1, 2, 3, 7])
    for (const wake of wakes) wake.close()
  })
}
