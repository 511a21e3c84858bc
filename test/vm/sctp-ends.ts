/** The two ends of sessions through a relay, for the tests of SCTP in a guest. */
import assert from 'node:assert/strict'
import type { Relay } from '../harness/relay.js'
import { type Answer, type SctpEnd, SctpPeers, type SctpServer } from './sctp-peers.js'

export const STREAMS = 20

/** Of all tests of a guest; the file that runs them ends it. */
export const peers = new SctpPeers()

interface Pair {
  readonly client: SctpEnd
  readonly server: SctpEnd
}

/** A client of the relay, and the relay's connection for it. */
export async function pair(relay: Relay, server: SctpServer, index = 0, tcp = false): Promise<Pair> {
  const client = await peers.connect(relay.port(index), { tcp, streams: STREAMS })
  return { client, server: await server.accept() }
}

export async function over({ client, server }: Pair): Promise<void> {
  await client.close()
  await server.close()
}

/** Checks that the next message is the one that was sent. */
export async function arrives(at: SctpEnd, sent: Answer, about: Answer): Promise<void> {
  const { text: _, ...got } = await at.receive()
  assert.deepEqual(got, { ...about, sha256: sent.sha256 })
}
