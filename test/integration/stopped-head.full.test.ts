import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { afterwards } from '../harness/clean-up.js'
import { Client } from '../harness/client.js'
import { freeze } from '../harness/held.js'
import { DIRECT, spawning, startMaster } from '../harness/master.js'
import { isAlive } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'
import { remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'
import { variants } from '../harness/variants.js'

/** How long the head stands still, in two halves; between them a remote dies. */
const HALF_MS = 5_000

const CLIENT_EVERY_MS = 50

/** Those that the master accepts wait until it is continued. */
const SERVED_WITHIN_MS = 4 * HALF_MS

/** A check takes this long: at any moment one of each remote is in progress. */
const GREETING_AFTER_MS = 150

/** A client that is silent for this long is disconnected, as a check is while the head stands still. */
const PATIENCE_MS = 5_000

const CHECK =
  'type = expect expect = "hi" send = "x" expect = "x" interval = 50ms timeout = 5s rise = 1 fall = 1'

function serve(socket: Socket): void {
  socket.setTimeout(PATIENCE_MS, () => socket.destroy())
  setTimeout(() => {
    socket.write('hi')
    socket.once('data', (bytes) => socket.end(bytes))
  }, GREETING_AFTER_MS)
}

for (const accept of variants(['direct', 'broker'], [])) {
  test(`the head stands still for 10 s, and every client is served: ${accept}`, async (t) => {
    const [stays, dies] = [await remoteThat(serve).start(t), await remoteThat(serve).start(t)]
    const plan = relayTo(stays, dies)
      .with('balance = round-robin', `health { ${CHECK} }`, 'access log = stderr')
      .withMaster(spawning([2, 2], [1, 100], accept === 'direct' ? DIRECT : ''))
    const master = await startMaster(t, plan, { children: 2 })
    const children = master.children()
    const checked = [stays, dies].map(({ acceptedCount }) => acceptedCount)
    await until('checks', () =>
      [stays, dies].every(({ acceptedCount }, i) => acceptedCount > (checked[i] ?? 0)),
    )
    assert.ok(await freeze(master.pid), 'it has ended')
    afterwards(t, () => {
      if (isAlive(master.pid)) process.kill(master.pid, 'SIGCONT')
    })
    const before = await clientsFor(t, master.port(), HALF_MS)
    // Children that accept have served them by now, those behind a master that accepts none.
    if (accept === 'direct') assert.deepEqual(await outcomesOf(before), ['hix'])
    await dies.stop()
    const after = await clientsFor(t, master.port(), HALF_MS)
    if (accept === 'direct') assert.deepEqual(await outcomesOf(after), ['hix'])
    master.signal('SIGCONT')
    assert.deepEqual(await outcomesOf([...before, ...after]), ['hix'])
    await master.logged(/remote .* is down/)
    await remoteThat(serve).start(t, { host: '127.0.0.1', port: dies.port })
    await master.logged(/remote .* is up again/)
    const lines = master.program.stderr.matching(/remote .* is (down|up)/)
    assert.deepEqual(
      lines.map((line) => /remote (\S+ is \w+)/.exec(line)?.[1]),
      [`127.0.0.1:${dies.port} is down`, `127.0.0.1:${dies.port} is up`],
      lines.join('\n'),
    )
    assert.deepEqual(master.children(), children)
    await master.logged(/ end=done$/, before.length + after.length)
    const tried = master.program.stderr.matching(/ attempts=.* end=done$/).length
    t.diagnostic(`${before.length + after.length} clients, ${tried} tried the remote that was gone`)
    // In turn it would be every second one. Clients that wait for a master come all at once, before the first has failed.
    if (accept === 'direct') assert.ok(tried > 0 && tried < after.length / 4)
  })
}

/** Clients that come one after the other, whether those before are served or not. */
async function clientsFor(t: TestContext, port: number, ms: number): Promise<readonly Promise<string>[]> {
  const clients: Promise<string>[] = []
  for (const endMs = performance.now() + ms; performance.now() < endMs; ) {
    clients.push(outcomeOf(t, port).catch(String))
    await wait(CLIENT_EVERY_MS)
  }
  return clients
}

async function outcomeOf(t: TestContext, port: number): Promise<string> {
  const client = await Client.connect(t, { port })
  await client.send('x')
  await client.ending(SERVED_WITHIN_MS)
  const answer = await client.readToEnd()
  await client.close()
  return answer
}

async function outcomesOf(clients: readonly Promise<string>[]): Promise<readonly string[]> {
  return [...new Set(await Promise.all(clients))]
}
