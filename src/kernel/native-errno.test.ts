import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { AF_INET, SOCK_STREAM } from './constants.js'
import { EBADF, EINVAL } from './errno.js'
import { linuxCalls } from './linux-calls.js'
import { mapPrivate } from './memory.js'

/** Alternates between two failures, so that a stale value is detected. */
function failAlternately(rounds: number): string[] {
  const calls = linuxCalls()
  const region = mapPrivate(64)
  const fd = calls.socket(AF_INET, SOCK_STREAM, 0)
  const wrong: string[] = []
  for (let i = 0; i < rounds; i++) {
    const [bad, invalid] = [calls.recv(-1, region, 0, 1), calls.accept(fd, region)]
    if (bad !== -EBADF || invalid !== -EINVAL) wrong.push(`${bad} ${invalid}`)
  }
  calls.close(fd)
  return wrong
}

if (!isMainThread) parentPort?.postMessage(failAlternately(20_000))
else {
  test('each thread reads its own errno while other threads fail', async () => {
    const worker = new Worker(new URL(import.meta.url))
    const answer = once(worker, 'message')
    const exit = once(worker, 'exit')
    await once(worker, 'online')
    assert.deepEqual(failAlternately(20_000), [])
    assert.deepEqual(await answer, [[]])
    await exit
  })

  test('reads the errno of a failure after successful calls', () => {
    const calls = linuxCalls()
    const region = mapPrivate(64)
    assert.equal(calls.recv(-1, region, 0, 1), -EBADF)
    const fd = calls.socket(AF_INET, SOCK_STREAM, 0)
    assert.ok(fd >= 0)
    assert.equal(calls.close(fd), 0)
    assert.equal(calls.close(fd), -EBADF)
  })
}
