import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from '../harness/client.js'
import { closedPort } from '../harness/closed-port.js'
import { MODES_WITH_TWO } from '../harness/modes.js'
import { relayTo } from '../harness/relay.js'
import { greets, remoteThat } from '../harness/remote.js'
import { until } from '../harness/until.js'

const CLIENTS = 12

for (const { name: mode, start } of MODES_WITH_TWO) {
  test(`${mode}: idle sessions leave the fullest remote when another one is back`, async (t) => {
    const full = await remoteThat(greets('A')).start(t)
    const { port, target } = await closedPort()
    const plan = relayTo(full, target).with(
      'balance = least-connections',
      'health { interval = 50ms timeout = 10s rise = 1 }',
      // Slowly: as long as a client has not come back, the mean is lower, and further sessions are above it.
      'shed { over = 20% rate = 5/s quiet = 100ms }',
      'access log = stderr',
    )
    const relay = await start(t, plan)
    await relay.logged(/is down/)
    const endings: string[] = []
    // Each with the name of its remote.
    const open = new Map<Client, string>()
    const clientsOf = (name: string) => [...open.values()].filter((other) => other === name).length
    // As clients of long-lived sessions do: each connects again when its session has ended.
    const connect = async () => {
      const client = await Client.connect(t, { port: relay.port() })
      open.set(client, await client.read(1))
      client.socket.once('error', ({ message }) => endings.push(message))
      client.socket.once('end', () => {
        endings.push('end')
        open.delete(client)
        void client.close().then(connect)
      })
    }
    await Promise.all(Array.from({ length: CLIENTS }, connect))
    assert.equal(clientsOf('A'), CLIENTS)
    await remoteThat(greets('B')).start(t, { host: '127.0.0.1', port })
    await relay.logged(/is up again/)
    await until('the sessions to be distributed', () => clientsOf('A') <= 7 && open.size === CLIENTS)
    assert.deepEqual(new Set(endings), new Set(['end']), 'no session was reset')
    await relay.logged(/ end=shed$/, endings.length)
    for (const client of open.keys()) assert.equal(await client.exchange('y'), 'y')
    assert.ok(endings.length >= 5 && endings.length <= 8, `${endings.length} sessions ended`)
    for (const client of open.keys()) client.socket.removeAllListeners('end')
    await Promise.all([...open.keys()].map((client) => client.close()))
  })
}
