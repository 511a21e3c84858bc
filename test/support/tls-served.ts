/** TLS servers for single health checks. */
import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createSecureContext, TLSSocket, type TlsOptions } from 'node:tls'
import type { SocketAddress } from '../../src/base/address.js'
import { serverThat } from './checked.js'

/** Shakes hands as the server and calls `serve` with what is in the connection. */
export function tlsServerThat(
  t: TestContext,
  options: TlsOptions,
  serve: (socket: TLSSocket) => void = () => {},
): Promise<SocketAddress> {
  return serverThat(t, (socket) => secured(socket, options, serve))
}

export function secured(
  socket: Socket,
  options: TlsOptions,
  serve: (socket: TLSSocket) => void = () => {},
): void {
  const secureContext = createSecureContext(options)
  const secure = new TLSSocket(socket, { ...options, isServer: true, secureContext })
  secure.on('error', () => {})
  secure.once('secure', () => serve(secure))
  secure.resume()
}
