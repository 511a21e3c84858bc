import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { residentKiBOf } from '../harness/proc.js'
import { type Relay, relayTo, type Target } from '../harness/relay.js'
import { remoteThat } from '../harness/remote.js'
import { connectTls, localhost, servedWith, tlsRemote } from '../harness/tls.js'
import { until, within } from '../harness/until.js'

/** Limit of memory growth, whatever is relayed: a few blocks, and garbage that is not collected yet. */
const GROWTH_MAX_KIB = 24 * 1024

const WARM_UP_BYTES = 4 * 1024 * 1024
const PATTERN = randomBytes(1024 * 1024 - 7)

/** That many equal samples in a row mean that a number no longer changes. */
const STILL_LOOKS = 30

/** Limit of a wait for the next bytes; how long they take together is up to the machine. */
const STILL_MAX_MS = 60_000

type Way = 'TLS to plain' | 'plain to TLS' | 'TLS to TLS'

interface Ends {
  readonly relay: Relay
  /** A new client with the socket that the remote has for it. */
  join(): Promise<{ client: Socket; server: Socket }>
}

export function tlsTransferTests(bytes: number): void {
  const size = `${bytes / 1024 / 1024} MiB`
  for (const way of ['TLS to plain', 'plain to TLS', 'TLS to TLS'] as const) {
    test(`${way}: ${size} each way at once arrive whole`, async (t) => {
      const { join, relay } = await ends(t, way)
      await both(await join(), WARM_UP_BYTES)
      const before = residentKiBOf(relay.pid)
      await both(await join(), bytes)
      const grown = residentKiBOf(relay.pid) - before
      assert.ok(grown < GROWTH_MAX_KIB, `the relay has grown by ${grown} KiB`)
    })
  }

  test('TLS to TLS: a sender waits for a slow reader, and the relay does not grow', async (t) => {
    const { join, relay } = await ends(t, 'TLS to TLS')
    await both(await join(), WARM_UP_BYTES)
    for (const reader of ['client', 'server'] as const) {
      const pair = await join()
      const [from, to] = reader === 'client' ? [pair.server, pair.client] : [pair.client, pair.server]
      to.pause()
      const before = residentKiBOf(relay.pid)
      const sending = send(from, 32 * 1024 * 1024)
      await standsStill('the bytes that the relay has taken', () => from.bytesWritten - from.writableLength)
      const grown = residentKiBOf(relay.pid) - before
      assert.ok(grown < GROWTH_MAX_KIB, `the relay has grown by ${grown} KiB`)
      const [got, sent] = await Promise.all([receive(to), sending])
      assert.deepEqual(got, sent)
      to.end()
      from.resume()
      await bothClosed(pair)
    }
  })
}

async function both(pair: { client: Socket; server: Socket }, bytes: number): Promise<void> {
  const { client, server } = pair
  const all = [send(client, bytes), receive(server), send(server, bytes), receive(client)]
  const [up, gotUp, down, gotDown] = await Promise.all(all)
  assert.deepEqual(gotUp, up)
  assert.deepEqual(gotDown, down)
  await bothClosed(pair)
}

async function bothClosed({ client, server }: { client: Socket; server: Socket }): Promise<void> {
  for (const socket of [client, server]) {
    socket.destroy()
    if (!socket.closed) await once(socket, 'close')
  }
}

async function ends(t: TestContext, way: Way): Promise<Ends> {
  const isClientTls = way !== 'plain to TLS'
  const accepted: Socket[] = []
  const target = await remoteWith(t, way !== 'TLS to plain', (socket) => void accepted.push(socket))
  const relay = await relayTo(target)
    .with(servedWith(localhost(t)))
    .listeningOn(`address = 127.0.0.1 port = 0 tls = ${isClientTls ? 'yes' : 'no'}`)
    .start(t)
  return {
    relay,
    async join() {
      const client = isClientTls ? (await connectTls(t, relay.port())).socket : (await relay.connect()).socket
      client.removeAllListeners('data').pause()
      return { client, server: await until('the remote to have it', () => accepted.shift()) }
    },
  }
}

async function remoteWith(t: TestContext, isTls: boolean, behave: (socket: Socket) => void): Promise<Target> {
  if (!isTls) return remoteThat(behave).start(t)
  const server = localhost(t)
  const words = `tls = yes server name = localhost ca-file = ${server.certFile}`
  return tlsRemote(t, server, words, behave)
}

interface Transfer {
  readonly bytes: number
  readonly sha256: string
}

async function send(socket: Socket, bytes: number): Promise<Transfer> {
  const hash = createHash('sha256')
  for (let sent = 0; sent < bytes; ) {
    const part = PATTERN.subarray(0, Math.min(PATTERN.length, bytes - sent))
    hash.update(part)
    sent += part.length
    if (!socket.write(part)) await within('room', once(socket, 'drain'), STILL_MAX_MS)
  }
  socket.end()
  return { bytes, sha256: hash.digest('hex') }
}

async function receive(socket: Socket): Promise<Transfer> {
  const hash = createHash('sha256')
  let bytes = 0
  socket.on('data', (part) => {
    hash.update(part)
    bytes += part.length
  })
  socket.resume()
  let isOver = false
  socket.once('end', () => {
    isOver = true
  })
  while (!isOver) {
    const before = bytes
    await until('more of a transfer, or its end', () => isOver || bytes > before, STILL_MAX_MS)
  }
  return { bytes, sha256: hash.digest('hex') }
}

async function standsStill(what: string, value: () => number): Promise<void> {
  let last = -1
  let looks = 0
  await until(`${what} to stand still`, () => {
    looks = value() === last ? looks + 1 : 0
    last = value()
    return looks >= STILL_LOOKS
  })
}
