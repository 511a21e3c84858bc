import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, createServer, type TLSSocket, type TlsOptions } from 'node:tls'
import { type Identity, makeIdentity } from '../support/certificates.js'
import { afterwards, temporaryFolder } from './clean-up.js'
import { Client } from './client.js'
import type { Target } from './relay.js'
import { within } from './until.js'

/** Its certificate and key as temporary files. */
export interface IdentityFiles {
  readonly identity: Identity
  readonly certFile: string
  readonly keyFile: string
}

export function identityFiles(t: TestContext, identity: Identity): IdentityFiles {
  const folder = temporaryFolder(t)
  const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  writeFileSync(certFile, identity.pem)
  writeFileSync(keyFile, identity.keyPem, { mode: 0o600 })
  return { identity, certFile, keyFile }
}

/** A temporary file. */
export function fileWith(t: TestContext, content: string | Uint8Array): string {
  const file = join(temporaryFolder(t), 'file')
  writeFileSync(file, content)
  return file
}

/** The lines of section tcprelay for listeners with TLS. */
export function servedWith({ certFile, keyFile }: IdentityFiles): string {
  return `tls cert-file = ${certFile} tls key-file = ${keyFile}`
}

/** An identity for `localhost`, and the line that names it. */
export function localhost(t: TestContext): IdentityFiles {
  return identityFiles(t, makeIdentity({ name: 'localhost', alternativeNames: ['localhost', '127.0.0.1'] }))
}

export interface TlsClient extends Client {
  readonly socket: TLSSocket
  /** The newest ticket of the server. */
  readonly session: Buffer | undefined
}

/** A client on Node's own TLS, which verifies nothing unless told to. */
export async function connectTls(
  t: TestContext,
  port: number,
  options: ConnectionOptions = {},
): Promise<TlsClient> {
  const place = options.socket === undefined ? { host: '127.0.0.1', port } : {}
  const own = { rejectUnauthorized: false, allowHalfOpen: true, ...place }
  const socket = connect({ ...own, ...options } as ConnectionOptions)
  const client: Client & { session?: Buffer } = new Client(t, socket)
  socket.on('session', (session) => {
    client.session = session
  })
  const decided = new Promise<void>((resolve) => {
    socket.once('secureConnect', () => resolve()).once('close', () => resolve())
  })
  await within('a TLS handshake', decided)
  return client as TlsClient
}

/** A TLS server on Node's own TLS. */
export class TlsRemote implements Target {
  readonly directive: string
  readonly port: number
  readonly sockets = new Set<TLSSocket>()

  constructor(port: number, words: string) {
    this.port = port
    this.directive = `address = 127.0.0.1 port = ${port} ${words}`
  }
}

/** `words`: the remote's block beside the address, such as `tls = yes`. */
export async function tlsRemote(
  t: TestContext,
  { identity }: Pick<IdentityFiles, 'identity'>,
  words: string,
  behave: (socket: TLSSocket) => void,
  options: TlsOptions = {},
): Promise<TlsRemote> {
  const server = createServer({ key: identity.keyPem, cert: identity.pem, allowHalfOpen: true, ...options })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const remote = new TlsRemote(typeof address === 'object' ? (address?.port ?? 0) : 0, words)
  server.on('tlsClientError', () => {})
  server.on('secureConnection', (socket) => {
    remote.sockets.add(socket)
    socket.on('close', () => remote.sockets.delete(socket))
    socket.on('error', () => {})
    behave(socket)
  })
  afterwards(t, async () => {
    for (const socket of remote.sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return remote
}
