import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { connected } from '../../test/support/tls-pair.js'

/** A session with every callback, on a thread that does not return to Node's event loop meanwhile. */
const SESSIONS = `
  const { parentPort } = require('node:worker_threads')
  const { randomBytes } = require('node:crypto')
  const load = (name) => import(new URL(name, ${JSON.stringify(import.meta.url)}).href)
  Promise.all([load('../../test/support/tls-pair.js'), load('./ticket-keys.js')]).then(([pairs, { TicketKeys }]) => {
    const tickets = new TicketKeys()
    tickets.set([{ name: randomBytes(16), hmac: randomBytes(32), aes: randomBytes(32) }])
    const lines = []
    const from = pairs.server({ tickets, alpn: ['h2'], onKeyLog: (line) => lines.push(line) })
    const to = pairs.client({ alpn: ['h2'] })
    let resumed = 0
    for (let i = 0; i < 200; i++) {
      const pair = pairs.channels(from, to)
      pairs.runHandshake(pair)
      pairs.writeText(pair.server, 'hello')
      pairs.readText(pair.client)
      resumed += pair.server.facts().isResumed
      pair.close()
    }
    parentPort.postMessage({ resumed, hasKeyLog: lines.length > 0 })
  })
`

test('reactor threads and the control thread use OpenSSL concurrently', async () => {
  const workers = [0, 1].map(() => new Worker(SESSIONS, { eval: true }))
  const answers = Promise.all(workers.map((worker) => once(worker, 'message')))
  for (let i = 0; i < 100; i++) connected().close()
  for (const [answer] of await answers) assert.deepEqual(answer, { resumed: 199, hasKeyLog: true })
  await Promise.all(workers.map((worker) => worker.terminate()))
})
