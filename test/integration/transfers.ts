import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Peer, rawPeers, type Transfer } from '../harness/peers.js'
import { residentKiBOf } from '../harness/proc.js'
import { relayTo } from '../harness/relay.js'

/** Limit of memory growth, whatever is relayed: a few blocks, and garbage that is not collected yet. */
const GROWTH_MAX_KIB = 24 * 1024

/** So much that a relay which keeps what it has relayed would exceed the limit. */
const WARM_UP_BYTES = 4 * 1024 * 1024

const TINY = { receiveBytes: 2048, sendBytes: 2048 }

/** Large transfers with checksums, each way and both at once; `bytes` is the size of one. */
export function transferTests(bytes: number): void {
  const size = `${bytes / 1024 / 1024} MiB`

  test(`${size} up arrive whole`, (t) => relaying(t, ({ client, server }) => whole(client, server, bytes)))

  test(`${size} down arrive whole`, (t) => relaying(t, ({ client, server }) => whole(server, client, bytes)))

  test(`${size} both ways at once arrive whole`, (t) =>
    relaying(t, async ({ client, server }) => {
      await Promise.all([whole(client, server, bytes), whole(server, client, bytes)])
    }))
}

/** The same with tiny buffers or a slow reader; smaller, since it takes longer. */
export function narrowTransferTests(bytes: number): void {
  const size = `${bytes / 1024 / 1024} MiB`

  test(`${size} both ways through tiny socket buffers arrive whole`, (t) =>
    relaying(
      t,
      async ({ client, server }) => {
        await Promise.all([whole(client, server, bytes), whole(server, client, bytes)])
      },
      TINY,
    ))

  for (const reader of ['client', 'server'] as const) {
    test(`${size} to a slow ${reader} arrive whole`, (t) =>
      relaying(t, ({ client, server }) => {
        const [from, to] = reader === 'client' ? [server, client] : [client, server]
        return whole(from, to, bytes, { chunkBytes: bytes / 64, pauseMs: 10 })
      }))
  }
}

/** A connected pair; the relay's memory must not grow with the bytes. */
async function relaying(
  t: TestContext,
  carry: (pair: { client: Peer; server: Peer }) => Promise<void>,
  buffers: { receiveBytes?: number; sendBytes?: number } = {},
): Promise<void> {
  const peers = rawPeers(t)
  if (!peers) return
  const listening = await peers.listen(buffers)
  const relay = await relayTo(listening).start(t)
  const join = async () => ({
    client: await peers.connect(relay.port(), buffers),
    server: await listening.accept(),
  })
  const warmUp = await join()
  await Promise.all([
    whole(warmUp.client, warmUp.server, WARM_UP_BYTES),
    whole(warmUp.server, warmUp.client, WARM_UP_BYTES),
  ])
  const before = residentKiBOf(relay.pid)
  await carry(await join())
  const grown = residentKiBOf(relay.pid) - before
  assert.ok(grown < GROWTH_MAX_KIB, `the relay has grown by ${grown} KiB`)
}

/** Checks that `to` receives exactly what `from` sends. */
export async function whole(from: Peer, to: Peer, bytes: number, slowly = {}): Promise<void> {
  const sending = from.sendMuch(bytes).then(async (sent): Promise<Transfer> => {
    await from.endWriting()
    return sent
  })
  const [sent, got] = await Promise.all([sending, to.readToEnd(slowly)])
  assert.deepEqual({ bytes: sent.bytes, ending: sent.ending }, { bytes, ending: 'sent' })
  assert.deepEqual(got, { ...sent, ending: 'end' })
}
