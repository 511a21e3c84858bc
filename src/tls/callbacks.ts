/** The callbacks that OpenSSL calls during handshakes, dispatched to the context of the connection. */
import { nativeCallback } from '../kernel/ffi.js'
import * as c from '../kernel/openssl-constants.js'
import { sslCalls } from '../kernel/openssl-ssl.js'

/** Handles the callbacks for connections of one context. Addresses are valid during the call only. */
export interface ContextOwner {
  /** SNI: returns the SSL_CTX for the server name (null: the client sent none); 0 rejects the client. */
  contextFor(serverName: string | null): number
  /** SSL_CTX_set_alpn_select_cb(3). */
  chooseProtocol(chosen: number, length: number, offered: number, offeredBytes: number): number
  /** SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
  useTicketKey(ssl: number, name: number, iv: number, cipher: number, mac: number, isNew: boolean): number
  /** SSL_CTX_set_tlsext_status_cb(3); `certificate` is the one chosen for this connection. */
  staple(ssl: number, certificate: number): number
  /** SSL_CTX_set_psk_server_callback(3). */
  writePsk(identity: string, into: number, bytesMax: number): number
  /** SSL_CTX_set_psk_client_callback(3). */
  offerPsk(identity: number, identityBytesMax: number, key: number, keyBytesMax: number): number
  logKey(line: string): void
  /** A resumable session. Returns true if the owner takes over the reference. */
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

/**
 * By SSL_CTX. koffi has room for few callbacks, so all contexts share one per kind, which looks up the owner here.
 */
const owners = new Map<number, ContextOwner>()

/** The first unhandled exception of a callback on this thread, until `takeThrown`. */
let thrown: unknown

/** Per thread, as `owners` and `thrown`: each worker has its own copy of this module. */
let made: Callbacks | undefined

/** Dispatches callbacks of this context to `owner`, until `forgetOwner`. */
export function setOwner(context: number, owner: ContextOwner): void {
  owners.set(context, owner)
}

export function forgetOwner(context: number): void {
  owners.delete(context)
}

/** Takes the exception of a callback: a bug of this program that made a handshake fail. */
export function takeThrown(): unknown {
  const taken = thrown
  thrown = undefined
  return taken
}

/** The function pointers of the callbacks, registered once per thread. */
export function callbacks(): Callbacks {
  made ??= { ...choosingCallbacks(), ...secretCallbacks() }
  return made
}

/**
 * An `onThrow` that records the exception and returns `answer`, which makes OpenSSL fail the handshake or go
 * on without.
 */
function answering(answer: number): (error: unknown) => number {
  return (error) => {
    thrown ??= error
    return answer
  }
}

/**
 * By the present SSL_CTX of the connection, which the SNI callback may have changed. Every group of a server
 * has the same owner.
 */
function ownerOf(ssl: number): ContextOwner | undefined {
  return owners.get(sslCalls().contextOf(ssl))
}

/** SNI comes first: the certificate, and with it the OCSP response, depends on the server name. */
function choosingCallbacks() {
  return {
    serverName: nativeCallback(
      'int',
      ['uintptr_t', 'uintptr_t', 'uintptr_t'],
      (ssl: number) => {
        const calls = sslCalls()
        const context = calls.contextOf(ssl)
        const wanted = owners.get(context)?.contextFor(calls.serverName(ssl, 0)) ?? context
        // OpenSSL sends the alert unrecognized_name.
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

/** Without an owner the results are 0: no key, no ticket, no pre-shared key, no session kept. */
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
