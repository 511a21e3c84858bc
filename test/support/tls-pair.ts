/** Pairs of connected TLS channels for tests. */
import assert from 'node:assert/strict'
import type { Outcome } from '../../src/kernel/calls.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import type { TlsChannel } from '../../src/tls/channel.js'
import { type ClientContext, openClientContext } from '../../src/tls/client-context.js'
import type { ClientTlsOptions, ServerTlsOptions } from '../../src/tls/options.js'
import { MORE, WANT_READ, WANT_WRITE } from '../../src/tls/outcomes.js'
import { openServerContext, type ServerContext } from '../../src/tls/server-context.js'
import { makeIdentity } from './certificates.js'
import { closeAll, type Pair, unixPair } from './sockets.js'

export const authority = makeIdentity({ name: 'authority', isAuthority: true })
export const localhost = makeIdentity({
  name: 'localhost',
  issuer: authority,
  alternativeNames: ['localhost'],
})

/** The buffer that tests read into and write from. */
export const scratch = mapPrivate(1 << 20)

/** A context with the certificate of `localhost`, overridden by the options. */
export function server(options: Partial<ServerTlsOptions> = {}): ServerContext {
  const { context, problems } = openServerContext({
    certificates: [{ chain: localhost.pem, key: localhost.keyPem }],
    ...options,
  })
  assert.ok(context, problems.map(({ message }) => message).join('; '))
  return context
}

/** A context that trusts the tests' authority and verifies `localhost`, overridden by the options. */
export function client(options: ClientTlsOptions = {}): ClientContext {
  const { context, problems } = openClientContext({
    authorities: authority.pem,
    serverName: 'localhost',
    ...options,
  })
  assert.ok(context, problems.map(({ message }) => message).join('; '))
  return context
}

/** Two channels over a Unix socket pair, on which written bytes are readable at once. */
export interface ChannelPair {
  readonly server: TlsChannel
  readonly client: TlsChannel
  readonly fds: Pair
  /** Frees the channels and closes their sockets. */
  close(): void
}

export function channels(from: ServerContext, to: ClientContext, fds: Pair = unixPair()): ChannelPair {
  const [server, client] = [from.accept(fds.far), to.connect(fds.near)]
  assert.ok(server && client)
  const close = () => {
    server.free()
    client.free()
    closeAll(fds.near, fds.far)
  }
  return { server, client, fds, close }
}

/** Alternates between both sides until neither progresses; returns the outcomes of server and client. */
export function runHandshake({ server, client }: ChannelPair): readonly [Outcome, Outcome] {
  let last: readonly [Outcome, Outcome] = [WANT_READ, WANT_READ]
  for (let turns = 0; turns < 1_000 && last.some(isWaiting); turns++) {
    const to = client.handshake()
    last = [server.handshake(), to]
  }
  return last
}

export const isWaiting = (outcome: Outcome): boolean =>
  outcome === WANT_READ || outcome === WANT_WRITE || outcome === MORE

/** Two channels after a completed handshake. */
export function connected(
  serverOptions: Partial<ServerTlsOptions> = {},
  clientOptions: ClientTlsOptions = {},
  fds: Pair = unixPair(),
): ChannelPair {
  const [from, to] = [server(serverOptions), client(clientOptions)]
  const pair = channels(from, to, fds)
  assert.deepEqual(runHandshake(pair), [0, 0], `${pair.server.reason} / ${pair.client.reason}`)
  from.retire()
  to.retire()
  return pair
}

/** Writes a text that the socket has room for. */
export function writeText(channel: TlsChannel, text: string): void {
  const { written } = new TextEncoder().encodeInto(text, scratch.bytes)
  assert.equal(channel.write(scratch, 0, written), written)
}

/** Reads the available text, '' if there is none. */
export function readText(channel: TlsChannel): string {
  const got = channel.read(scratch, 0, scratch.byteLength)
  if (got < 0) {
    assert.ok(isWaiting(got), `read returns ${got}: ${channel.reason}`)
    return ''
  }
  return new TextDecoder().decode(scratch.bytes.subarray(0, got))
}
