/** Clients of an example that have a certain address. */
import { connect } from 'node:net'
import type { TestContext } from 'node:test'
import { Client } from '../harness/client.js'
import type { Relay } from '../harness/relay.js'

/** A client with this address. */
export function clientFrom(t: TestContext, relay: Relay, localAddress: string, listener = 0): Client {
  const to = { host: '127.0.0.1', port: relay.port(listener), localAddress }
  return new Client(t, connect({ ...to, allowHalfOpen: true, noDelay: true }))
}

export async function answerTo(t: TestContext, relay: Relay, address: string, listener = 0): Promise<string> {
  const client = clientFrom(t, relay, address, listener)
  const received = await client.readToEnd()
  await client.close()
  return received
}
