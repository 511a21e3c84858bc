import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closedPort } from '../harness/closed-port.js'
import { type Relay, relayTo } from '../harness/relay.js'
import { remoteThat, says } from '../harness/remote.js'

/** Enough that the percentage allows more than the minimum of ten retries a second. */
const CLIENTS = 300
const PERCENT = 50
const WINDOW_S = 10
const RESERVE = 100

const closedTargets = async (count: number) =>
  (await Promise.all(Array.from({ length: count }, closedPort))).map(({ target }) => target)

async function isReset(relay: Relay): Promise<void> {
  const client = await relay.connect()
  assert.equal(await client.ending(), 'ECONNRESET')
  await client.close()
}

/** By the access log: `attempts=127.0.0.1:80:refused*3,+2`. */
function attemptsIn(line: string): number {
  const [, attempts = ''] = / attempts=(\S+)/.exec(line) ?? []
  const counts = attempts.split(',').map((entry) => /(?:\*|^\+)(\d+)$/.exec(entry)?.[1] ?? '1')
  return attempts === '' ? 0 : counts.reduce((sum, count) => sum + Number(count), 0)
}

test('a client has at most `attempts max` attempts, over all remotes', async (t) => {
  const relay = await relayTo(...(await closedTargets(5)))
    .with('attempts max = 3', 'access log = stderr', 'debug = NET')
    .start(t)
  await isReset(relay)
  const [line] = await relay.logged(/.* end=attempts-max reason=connection_refused$/)
  assert.equal(attemptsIn(line), 3, line)
  assert.equal(relay.program.stderr.matching(/attempt failed: connection refused/).length, 3)
})

test('a listener may allow its clients fewer attempts', async (t) => {
  const relay = await relayTo(...(await closedTargets(3)))
    .with('dial retries = 0', 'access log = stderr')
    .listeningOn('address = 127.0.0.1 port = 0 attempts max = 1')
    .start(t)
  await isReset(relay)
  const [line] = await relay.logged(/.* end=attempts-max .*/)
  assert.equal(attemptsIn(line), 1, line)
})

test('attempts at a dead pool under load stay within the retry budget', async (t) => {
  const relay = await relayTo(...(await closedTargets(2)))
    .with(`retry budget = ${PERCENT}%`, 'dial retries = 1', 'access log = stderr')
    .start(t)
  const startedMs = performance.now()
  const isDone = /^.* end=(?:no-remote|retry-budget|dial-timeout) .*$/
  await Promise.all(Array.from({ length: CLIENTS }, () => isReset(relay)))
  await relay.logged(isDone, CLIENTS)
  const seconds = (performance.now() - startedMs) / 1_000
  const lines = relay.program.stderr.matching(isDone)
  assert.equal(lines.length, CLIENTS)
  const attempts = lines.map(attemptsIn)
  assert.equal(Math.min(...attempts), 1, 'each client has its first attempt')
  const total = attempts.reduce((sum, count) => sum + count, 0)
  // Windows that do not overlap, and the first one may begin in the middle of a second.
  const windows = Math.ceil((seconds + 1) / WINDOW_S)
  const most = CLIENTS * (1 + PERCENT / 100) + RESERVE * windows
  t.diagnostic(`${total} attempts for ${CLIENTS} clients in ${seconds.toFixed(1)} s, at most ${most}`)
  assert.ok(total <= most, `${total} attempts`)
  // The first clients find a full reserve.
  assert.ok(total >= CLIENTS + RESERVE, `${total} attempts`)
  await relay.logged(
    /warning: rejected client \S+ of pool default: the retry budget of 50 % is spent: connection refused/,
  )
})

test('a small budget does not keep clients from the remote that is left', async (t) => {
  const [dead] = await closedTargets(1)
  assert.ok(dead)
  const relay = await relayTo(dead, await remoteThat(says('here')).start(t))
    .with('retry budget = 0')
    .start(t)
  for (let i = 0; i < 20; i++) assert.equal(await (await relay.connect()).readToEnd(), 'here')
})
