/** Clients of a relay with limits. */
import type { TestContext } from 'node:test'
import { Client, type Ending } from './client.js'
import type { Running } from './modes.js'
import { type RelayPlan, relayTo } from './relay.js'
import { echoes, remoteThat } from './remote.js'
import { until } from './until.js'

/** A relay to a server that echoes, with an access log. */
export async function echoing(t: TestContext): Promise<RelayPlan> {
  return relayTo(await remoteThat(echoes).start(t)).with('access log = stderr')
}

export function connectFrom(
  t: TestContext,
  running: Running,
  localAddress: string,
  listener = 0,
): Promise<Client> {
  return Client.connect(t, { port: running.port(listener), localAddress })
}

/** Clients at the same time. */
export function crowd(
  t: TestContext,
  running: Running,
  localAddress: string,
  count: number,
  listener = 0,
): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => connectFrom(t, running, localAddress, listener)))
}

/** `served`, or how its connection ends: a client that sends after it was closed is reset. */
export async function outcomeOf(client: Client): Promise<'served' | Ending> {
  try {
    return (await client.exchange('hello')) === 'hello' ? 'served' : 'wrong bytes'
  } catch {
    return client.ending()
  }
}

/** How many of them are served. */
export async function servedOf(clients: readonly Client[]): Promise<number> {
  const outcomes = await Promise.all(clients.map(outcomeOf))
  return outcomes.filter((outcome) => outcome === 'served').length
}

/** Waits until a client of this address is served: a place becomes free a moment after its session has ended. */
export function isServed(t: TestContext, running: Running, localAddress: string): Promise<Client> {
  return until('a client to be served', async () => {
    const client = await connectFrom(t, running, localAddress)
    if ((await outcomeOf(client)) === 'served') return client
    await client.close()
    return undefined
  })
}
