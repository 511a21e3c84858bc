import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DnsFailure } from './dns-failure.js'
import { exchange, type Settle } from './exchange.js'

const LIMITS = { timeoutMs: 10_000, signal: new AbortController().signal }

/** An exchange with a transport that `act` drives, and how often it was closed. */
async function outcome(act: (settle: Settle) => void): Promise<{ error: unknown; closed: number }> {
  let closed = 0
  const start = (settle: Settle) => {
    setImmediate(() => act(settle))
    return { ignored: '', close: () => void closed++ }
  }
  const error = await exchange(LIMITS, start).catch((reason: unknown) => reason)
  return { error, closed }
}

test('a text is why there is no answer; an error of the program stays what it is', async () => {
  const failed = await outcome((settle) => settle.fail('closed'))
  assert.ok(failed.error instanceof DnsFailure)
  assert.deepEqual([failed.error.message, failed.closed], ['closed', 1])
  const mistake = new TypeError('x is no function')
  assert.deepEqual(await outcome((settle) => settle.reject(mistake)), { error: mistake, closed: 1 })
})
