import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { TlsOptions } from 'node:tls'
import { createServer as createTlsServer } from 'node:tls'
import type { HostAddress } from '../../src/base/address.js'
import type { ProbeCheck } from '../../src/health/probe-checks.js'
import { ProbeFailure } from '../../src/health/probe-failure.js'
import { ProbeSession, type SessionPlan, type SessionRemote } from '../../src/health/probe-session.js'
import { runProbe } from '../../src/health/probe-types.js'
import { afterwards } from './clean-up.js'

/** A server on loopback that does this with each connection. Errors of connections are ignored. */
export function serverThat(t: TestContext, behave: (socket: Socket) => void): Promise<HostAddress> {
  return listening(t, createServer(), 'connection', behave)
}

export function tlsServerThat(
  t: TestContext,
  options: TlsOptions,
  behave: (socket: Socket) => void = () => {},
): Promise<HostAddress> {
  const server = createTlsServer(options)
  server.on('tlsClientError', () => {})
  return listening(t, server, 'secureConnection', behave)
}

async function listening(
  t: TestContext,
  server: Server,
  event: string,
  behave: (socket: Socket) => void,
): Promise<HostAddress> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.on(event, (socket: Socket) => {
    socket.on('error', () => {})
    behave(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  afterwards(t, async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const place = server.address()
  if (place === null || typeof place === 'string') throw new Error('the server has no port')
  return { family: 'ipv4', host: '127.0.0.1', port: place.port, scope: '' } as HostAddress
}

/** Runs one check: `up`, `up: TEXT`, `up: TEXT; warning: TEXT` or `down: REASON`. */
export async function outcomeOf(
  check: ProbeCheck,
  address: HostAddress,
  plan: Partial<SessionPlan> = {},
  remote: SessionRemote = {},
): Promise<string> {
  const session = new ProbeSession([address], { sendProxy: undefined, timeoutMs: 20_000, ...plan }, remote)
  try {
    const { text, warning } = await runProbe(session, check)
    return `up${text === '' ? '' : `: ${text}`}${warning === undefined ? '' : `; warning: ${warning}`}`
  } catch (error) {
    if (error instanceof ProbeFailure) return `down: ${error.message}`
    throw error
  } finally {
    session.close()
  }
}
