/** TLS contexts for connections to remotes. */
import { parseHostLiteral } from '../base/address.js'
import type { Fd } from '../kernel/calls.js'
import * as c from '../kernel/openssl-constants.js'
import { contextCalls } from '../kernel/openssl-context.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { withNativeBytes } from '../kernel/openssl-memory.js'
import { sslCalls } from '../kernel/openssl-ssl.js'
import { type ContextOwner, callbacks, forgetOwner, setOwner } from './callbacks.js'
import { freeCertificate, loadCertificate } from './certificate.js'
import { type ChannelOwner, TlsChannel } from './channel.js'
import { applySettings, protocolList } from './context-settings.js'
import { hostName } from './name-table.js'
import { type CertificateOptions, type ClientTlsOptions, type TlsProblem, TlsProblems } from './options.js'
import { checkPsk, PSK_CIPHERS, PSK_CIPHERSUITES, PskOffer } from './psk-keys.js'
import { freeTrustStore, openTrustStore, type TrustStore } from './trust-store.js'

/** Sessions kept per remote for resumption; those of TLS 1.3 are used once. */
const SESSIONS_MAX = 16

/** In SSL_ctrl(SSL_CTRL_SET_TLSEXT_HOSTNAME): a host name. */
const TLSEXT_NAMETYPE_host_name = 0

/** Either a context, or at least one error; warnings in both cases. */
export interface OpenedClient {
  readonly context: ClientContext | undefined
  readonly problems: readonly TlsProblem[]
}

/**
 * Opens the context of one remote. `trust`: authorities that many remotes share, so that their bundle is parsed once;
 * the caller keeps ownership.
 */
export function openClientContext(options: ClientTlsOptions, trust?: TrustStore): OpenedClient {
  const problems = new TlsProblems()
  const context = new ClientContext(options, problems, trust)
  clearErrors()
  if (!problems.hasErrors) return { context, problems: problems.list }
  context.retire()
  return { context: undefined, problems: problems.list }
}

/** The errors and warnings of these options. */
export function checkClientTls(options: ClientTlsOptions, trust?: TrustStore): readonly TlsProblem[] {
  const { context, problems } = openClientContext(options, trust)
  context?.retire()
  return problems
}

/** TLS to one remote. Its native memory is freed with its last channel. */
export class ClientContext implements ContextOwner, ChannelOwner {
  readonly #options: ClientTlsOptions
  readonly #context: number
  /** The server name sent as SNI; undefined for an IP address. */
  readonly #sentName: Uint8Array | undefined
  readonly #psk: PskOffer | undefined
  /** Sessions to resume, the newest last. */
  readonly #sessions: number[] = []
  /** Channels that were not freed. */
  #channels = 0
  #isRetired = false

  /** For `openClientContext` only: must be retired at once if `problems` has errors. */
  constructor(options: ClientTlsOptions, problems: TlsProblems, trust: TrustStore | undefined) {
    this.#options = options
    const calls = contextCalls()
    this.#context = calls.open(calls.clientMethod())
    applySettings(this.#context, { ...options, ...defaultCiphers(options) }, problems)
    this.#sentName = this.#applyName(problems)
    this.#applyVerification(problems, trust)
    const protocols = protocolList(options.alpn ?? [], problems)
    if (protocols.length > 0) calls.setAlpnProtocols(this.#context, protocols, protocols.length)
    if (options.certificate !== undefined) this.#applyCertificate(options.certificate, problems)
    const { clientPsk, keyLog, newSession } = callbacks()
    // Before any channel exists: the callbacks look up the owner of a context.
    setOwner(this.#context, this)
    if (options.psk !== undefined) {
      // One entry, so that clients and servers share the check.
      const { identity, key } = options.psk
      checkPsk(new Map([[identity, key]]), problems)
      this.#psk = new PskOffer(identity, key)
      calls.setPskClientCallback(this.#context, clientPsk)
    }
    // A resumed session does not reveal the identity of its key, and a PSK handshake is as cheap as resumption.
    const keeps = c.SSL_SESS_CACHE_CLIENT | c.SSL_SESS_CACHE_NO_INTERNAL
    const mode = options.psk === undefined ? keeps : c.SSL_SESS_CACHE_OFF
    calls.control(this.#context, c.SSL_CTRL_SET_SESS_CACHE_MODE, mode, 0)
    calls.setNewSessionCallback(this.#context, newSession)
    if (options.onKeyLog !== undefined) calls.setKeyLogCallback(this.#context, keyLog)
  }

  /** Number of sessions kept for resumption. */
  get sessionCount(): number {
    return this.#sessions.length
  }

  /** Opens a channel on a connected descriptor, before the handshake; undefined when out of memory. */
  connect(fd: Fd): TlsChannel | undefined {
    const calls = sslCalls()
    const ssl = calls.open(this.#context)
    if (ssl === 0) {
      clearErrors()
      return undefined
    }
    if (this.#sentName !== undefined) {
      withNativeBytes(this.#sentName, (name) =>
        calls.control(ssl, c.SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, name),
      )
    }
    // Before the handshake: the ClientHello carries the ticket.
    this.#resume(ssl)
    this.#channels += 1
    return new TlsChannel(ssl, fd, false, this)
  }

  /** Ends the use for new connections. Native memory is freed with the last channel. */
  retire(): void {
    this.#isRetired = true
    if (this.#channels === 0) this.#free()
  }

  channelFreed(): void {
    this.#channels -= 1
    if (this.#isRetired && this.#channels === 0) this.#free()
  }

  keepSession(session: number): boolean {
    if (this.#isRetired) return false
    const oldest = this.#sessions.length < SESSIONS_MAX ? undefined : this.#sessions.shift()
    if (oldest !== undefined) contextCalls().freeSession(oldest)
    this.#sessions.push(session)
    return true
  }

  logKey(line: string): void {
    this.#options.onKeyLog?.(line)
  }

  offerPsk(identity: number, identityBytesMax: number, key: number, keyBytesMax: number): number {
    return this.#psk?.write(identity, identityBytesMax, key, keyBytesMax) ?? 0
  }

  /** The key is offered in every handshake; whether it was used is known from OpenSSL only. */
  takePskIdentity(): string | undefined {
    return this.#psk?.identity
  }

  takeRefusal(): string | undefined {
    return undefined
  }

  // Callbacks of servers only.

  contextFor(): number {
    return this.#context
  }

  chooseProtocol(): number {
    return c.SSL_TLSEXT_ERR_NOACK
  }

  useTicketKey(): number {
    return 0
  }

  staple(): number {
    return c.SSL_TLSEXT_ERR_NOACK
  }

  writePsk(): number {
    return 0
  }

  /** A TLS 1.3 ticket is used once: reuse would let observers link connections (RFC 8446, appendix C.4). */
  #resume(ssl: number): void {
    const session = this.#sessions.at(-1)
    if (session === undefined) return
    const calls = contextCalls()
    sslCalls().setSession(ssl, session)
    if (calls.sessionVersion(session) !== c.TLS1_3_VERSION) return
    this.#sessions.pop()
    calls.freeSession(session)
  }

  /** Whether certificates of the remote are verified. */
  get #verifiesCertificates(): boolean {
    const { authorities, psk, verify = true } = this.#options
    return psk === undefined ? verify : authorities !== undefined
  }

  /** Sets the name that the certificate must match (RFC 6125), and returns the name for SNI. */
  #applyName(problems: TlsProblems): Uint8Array | undefined {
    const { serverName } = this.#options
    const verify = this.#verifiesCertificates
    const calls = contextCalls()
    if (serverName === undefined) {
      if (verify) problems.error('server-name', 'verifying a remote requires its server name')
      return undefined
    }
    const parameters = calls.parameters(this.#context)
    const literal = parseHostLiteral(serverName)
    if (literal !== undefined) {
      // An IP address is matched with the certificate but never sent as SNI (RFC 6066, 3).
      if (verify) calls.setAddress(parameters, literal.host)
      return undefined
    }
    const name = hostName(serverName)
    if (name === undefined || name.startsWith('*')) {
      problems.error('server-name', `'${serverName}' is not a valid host name`)
      return undefined
    }
    const bytes = new TextEncoder().encode(name)
    if (verify) {
      calls.setHostFlags(parameters, c.X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)
      calls.setHost(parameters, name, bytes.length)
    }
    return bytes
  }

  #applyVerification(problems: TlsProblems, shared: TrustStore | undefined): void {
    const { authorities, depth, psk, revocations } = this.#options
    const verify = this.#verifiesCertificates
    const calls = contextCalls()
    // With a key and without authorities the store is empty, so that no certificate is accepted.
    const mode = verify || psk !== undefined ? c.SSL_VERIFY_PEER : c.SSL_VERIFY_NONE
    calls.setVerify(this.#context, mode, 0)
    if (depth !== undefined) calls.setVerifyDepth(this.#context, depth)
    if (authorities !== undefined) {
      const own = openTrustStore(authorities, revocations, problems)
      calls.setStore(this.#context, own.store)
      // The context keeps its own reference of the store.
      freeTrustStore(own)
    } else if (shared !== undefined) calls.setStore(this.#context, shared.store)
    else if (verify) problems.error('authorities', 'verifying a remote requires trusted authorities')
  }

  #applyCertificate(options: CertificateOptions, problems: TlsProblems): void {
    const calls = contextCalls()
    const loaded = loadCertificate(options, problems)
    if (loaded === undefined) return
    const isTaken =
      calls.useCertificate(this.#context, loaded.leaf) === 1 &&
      calls.usePrivateKey(this.#context, loaded.key) === 1 &&
      loaded.chain.every((one) => calls.control(this.#context, c.SSL_CTRL_CHAIN_CERT, 1, one) === 1)
    if (!isTaken) problems.error('certificate', `the certificate cannot be used: ${takeReason()}`)
    freeCertificate(loaded)
  }

  #free(): void {
    const calls = contextCalls()
    for (const session of this.#sessions.splice(0)) calls.freeSession(session)
    forgetOwner(this.#context)
    calls.free(this.#context)
    this.#psk?.free()
  }
}

/** The default ciphers: OpenSSL's, or those for pre-shared keys. */
function defaultCiphers({ authorities, ciphers, ciphersuites, psk }: ClientTlsOptions) {
  if (psk === undefined) return { ciphers, ciphersuites }
  const some = authorities === undefined ? PSK_CIPHERS : `${PSK_CIPHERS}:ECDHE+AESGCM:ECDHE+CHACHA20`
  return { ciphers: ciphers ?? some, ciphersuites: ciphersuites ?? PSK_CIPHERSUITES }
}
