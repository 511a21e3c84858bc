import { nativeCallback } from '../kernel/ffi.js'
import * as c from '../kernel/openssl-constants.js'
import { sslCalls } from '../kernel/openssl-ssl.js'

/** What OpenSSL asks back about a connection of a context. Addresses are valid during the call only. */
export interface ContextOwner {
  /** A client has said whom it looks for, or nobody: the SSL_CTX to go on with; 0 refuses it. */
  contextFor(serverName: string | null): number
  /** SSL_CTX_set_alpn_select_cb(3). */
  chooseProtocol(chosen: number, length: number, offered: number, offeredBytes: number): number
  /** SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
  useTicketKey(ssl: number, name: number, iv: number, cipher: number, mac: number, isNew: boolean): number
  /** SSL_CTX_set_tlsext_status_cb(3); the certificate is the one that is used. */
  staple(ssl: number, certificate: number): number
  /** SSL_CTX_set_psk_server_callback(3). */
  writePsk(identity: string, into: number, bytesMax: number): number
  /** SSL_CTX_set_psk_client_callback(3). */
  offerPsk(identity: number, identityBytesMax: number, key: number, keyBytesMax: number): number
  logKey(line: string): void
  /** A session that can be resumed. True: the reference is the owner's from here on. */
  keepSession(session: number): boolean
}

interface Callbacks {
  readonly serverName: bigint
  readonly alpn: bigint
  readonly ticketKey: bigint
  readonly staple: bigint
  readonly serverPsk: bigint
  readonly clientPsk: bigint
  readonly keyLog: bigint
  readonly newSession: bigint
}

/** By SSL_CTX. Native code knows no objects, and there is room for few callbacks: one per kind serves all. */
const owners = new Map<number, ContextOwner>()

/** The first thing that a callback of this thread has thrown and nobody has asked for. */
let thrown: unknown

let made: Callbacks | undefined

/** The owner is asked about connections of this context until it is forgotten. */
export function setOwner(context: number, owner: ContextOwner): void {
  owners.set(context, owner)
}

export function forgetOwner(context: number): void {
  owners.delete(context)
}

/** Takes what a callback has thrown: a mistake of ours that has made a handshake fail. */
export function takeThrown(): unknown {
  const taken = thrown
  thrown = undefined
  return taken
}

/** The addresses of the callbacks of this thread. */
export function callbacks(): Callbacks {
  made ??= { ...choosingCallbacks(), ...secretCallbacks() }
  return made
}

function answering(answer: number): (error: unknown) => number {
  return (error) => {
    thrown ??= error
    return answer
  }
}

function ownerOf(ssl: number): ContextOwner | undefined {
  return owners.get(sslCalls().contextOf(ssl))
}

function choosingCallbacks() {
  return {
    serverName: nativeCallback(
      'int',
      ['uintptr_t', 'uintptr_t', 'uintptr_t'],
      (ssl: number) => {
        const calls = sslCalls()
        const context = calls.contextOf(ssl)
        const wanted = owners.get(context)?.contextFor(calls.serverName(ssl, 0)) ?? context
        // The alert that OpenSSL sends is unrecognized_name.
        if (wanted === 0) return c.SSL_TLSEXT_ERR_ALERT_FATAL
        if (wanted !== context) calls.setContext(ssl, wanted)
        return c.SSL_TLSEXT_ERR_OK
      },
      answering(c.SSL_TLSEXT_ERR_ALERT_FATAL),
    ),
    alpn: nativeCallback(
      'int',
      ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uint32_t', 'uintptr_t'],
      (ssl: number, chosen: number, length: number, offered: number, offeredBytes: number) =>
        ownerOf(ssl)?.chooseProtocol(chosen, length, offered, offeredBytes) ?? c.SSL_TLSEXT_ERR_NOACK,
      answering(c.SSL_TLSEXT_ERR_ALERT_FATAL),
    ),
    staple: nativeCallback(
      'int',
      ['uintptr_t', 'uintptr_t'],
      (ssl: number) => ownerOf(ssl)?.staple(ssl, sslCalls().certificate(ssl)) ?? c.SSL_TLSEXT_ERR_NOACK,
      answering(c.SSL_TLSEXT_ERR_NOACK),
    ),
  }
}

function secretCallbacks() {
  return {
    ticketKey: nativeCallback(
      'int',
      ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'uintptr_t', 'int'],
      (ssl: number, name: number, iv: number, cipher: number, mac: number, isNew: number) =>
        ownerOf(ssl)?.useTicketKey(ssl, name, iv, cipher, mac, isNew === 1) ?? 0,
      answering(-1),
    ),
    serverPsk: nativeCallback(
      'uint32_t',
      ['uintptr_t', 'const char *', 'uintptr_t', 'uint32_t'],
      (ssl: number, identity: string | null, into: number, bytesMax: number) =>
        ownerOf(ssl)?.writePsk(identity ?? '', into, bytesMax) ?? 0,
      answering(0),
    ),
    clientPsk: nativeCallback(
      'uint32_t',
      ['uintptr_t', 'uintptr_t', 'uintptr_t', 'uint32_t', 'uintptr_t', 'uint32_t'],
      (ssl: number, _hint: number, identity: number, identityMax: number, key: number, keyMax: number) =>
        ownerOf(ssl)?.offerPsk(identity, identityMax, key, keyMax) ?? 0,
      answering(0),
    ),
    keyLog: nativeCallback(
      'void',
      ['uintptr_t', 'const char *'],
      (ssl: number, line: string) => {
        ownerOf(ssl)?.logKey(line)
        return 0
      },
      answering(0),
    ),
    newSession: nativeCallback(
      'int',
      ['uintptr_t', 'uintptr_t'],
      (ssl: number, session: number) => (ownerOf(ssl)?.keepSession(session) ? 1 : 0),
      answering(0),
    ),
  }
}
