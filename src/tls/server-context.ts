/** TLS contexts for accepted clients. */
import type { Fd } from '../kernel/calls.js'
import * as c from '../kernel/openssl-constants.js'
import { contextCalls } from '../kernel/openssl-context.js'
import { sha256Of } from '../kernel/openssl-digest.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { duplicate, scrubAndFree } from '../kernel/openssl-memory.js'
import { sslCalls } from '../kernel/openssl-ssl.js'
import { type ContextOwner, callbacks, forgetOwner, setOwner } from './callbacks.js'
import { type ChannelOwner, TlsChannel } from './channel.js'
import { applySettings, limitVersions, protocolList } from './context-settings.js'
import { type ServerTlsOptions, type TlsProblem, TlsProblems, type TlsVersion } from './options.js'
import { checkPsk, PSK_CIPHERS, PSK_CIPHERSUITES, PskKeys } from './psk-keys.js'
import {
  freeServerCertificates,
  type Group,
  loadServerCertificates,
  type ServerCertificates,
} from './server-certificates.js'
import { freeTrustStore, openTrustStore } from './trust-store.js'

/** Suites with forward secrecy and authenticated encryption first; CBC for old clients. */
const DEFAULT_CIPHERS = 'ECDHE+AESGCM:ECDHE+CHACHA20:ECDHE+AES'
/** PSK suites first: a client that offers them wants to authenticate by its key. */
const DEFAULT_PSK_CIPHERS = `${PSK_CIPHERS}:${DEFAULT_CIPHERS}`

/**
 * SHA-256 suites first, because OpenSSL chooses the suite before the key, and ignores keys that do not match the
 * suite's hash if it can fall back to a certificate.
 */
const DEFAULT_PSK_CIPHERSUITES = `${PSK_CIPHERSUITES}:TLS_AES_256_GCM_SHA384`

/** TLS 1.3 tickets per full handshake. OpenSSL's default is two, but most clients only keep the last. */
const TICKETS_PER_HANDSHAKE = 1

/** Either a context, or at least one error; warnings in both cases. */
export interface OpenedServer {
  readonly context: ServerContext | undefined
  readonly problems: readonly TlsProblem[]
}

/**
 * Opens the context of a listener that terminates TLS. Reads no files. Also used by the control thread for checks.
 */
export function openServerContext(options: ServerTlsOptions): OpenedServer {
  const problems = new TlsProblems()
  const context = new ServerContext(options, problems)
  clearErrors()
  if (!problems.hasErrors) return { context, problems: problems.list }
  context.retire()
  return { context: undefined, problems: problems.list }
}

/** The errors and warnings of these options. */
export function checkServerTls(options: ServerTlsOptions): readonly TlsProblem[] {
  const { context, problems } = openServerContext(options)
  context?.retire()
  return problems
}

/** TLS for clients of one listener. Its native memory is freed with its last channel. */
export class ServerContext implements ContextOwner, ChannelOwner {
  readonly #options: ServerTlsOptions
  readonly #certificates: ServerCertificates
  /** One SSL_CTX per group of certificates. */
  readonly #contexts = new Map<Group, number>()
  readonly #default: number
  readonly #psk: PskKeys | undefined
  /** The ALPN list in native memory, as SSL_select_next_proto(3) reads it. Owned, freed with the context. */
  readonly #protocols: { readonly address: number; readonly byteLength: number } | undefined
  /** OCSP responses by certificate (address of the X509). */
  readonly #staples = new Map<number, Uint8Array>()
  /**
   * Set by a callback and taken by the channel directly after the call that caused it: handshakes of other
   * channels cannot interleave on one thread.
   */
  #pskIdentity: string | undefined
  /** The same, for the reason of a rejection. */
  #refusal: string | undefined
  /** Channels that were not freed. */
  #channels = 0
  #isRetired = false

  /** For `openServerContext` only: must be retired at once if `problems` has errors. */
  constructor(options: ServerTlsOptions, problems: TlsProblems) {
    this.#options = options
    const protocols = protocolList(options.alpn ?? [], problems)
    if (protocols.length > 0) {
      this.#protocols = { address: duplicate(protocols), byteLength: protocols.length }
    }
    if (options.psk !== undefined) {
      checkPsk(options.psk, problems)
      this.#psk = new PskKeys(options.psk)
    } else if (options.certificates.length === 0)
      problems.error('certificate', 'no certificate is configured')
    this.#certificates = loadServerCertificates(options.certificates, problems)
    const { all, defaultGroup, groups } = this.#certificates
    for (const group of groups) this.#contexts.set(group, this.#open(group, problems))
    this.#default = this.#contexts.get(defaultGroup ?? []) ?? this.#open([], problems)
    if (defaultGroup === undefined) this.#contexts.set([], this.#default)
    // After all contexts are open: they share one trust store, which is parsed once.
    this.#applyClientCertificates(problems)
    for (const { index } of all) this.setStaple(index, options.certificates[index]?.staple)
  }

  /**
   * Opens a channel for an accepted client, before the handshake; undefined when out of memory. `versions` restricts
   * the versions of the options further.
   */
  accept(fd: Fd, versions?: readonly TlsVersion[]): TlsChannel | undefined {
    // The SNI callback changes the context when the ClientHello has been read.
    const ssl = sslCalls().open(this.#default)
    if (ssl === 0) {
      clearErrors()
      return undefined
    }
    if (versions !== undefined) limitVersions(ssl, versions)
    this.#channels += 1
    return new TlsChannel(ssl, fd, true, this)
  }

  /** Replaces the OCSP response of a certificate; undefined removes it. */
  setStaple(index: number, staple: Uint8Array | undefined): void {
    const leaf = this.#certificates.all.find((one) => one.index === index)?.leaf
    if (leaf === undefined) return
    if (staple === undefined) this.#staples.delete(leaf)
    else this.#staples.set(leaf, staple)
  }

  /** Ends the use for new clients. Native memory is freed with the last channel. */
  retire(): void {
    this.#isRetired = true
    if (this.#channels === 0) this.#free()
  }

  channelFreed(): void {
    this.#channels -= 1
    if (this.#isRetired && this.#channels === 0) this.#free()
  }

  takePskIdentity(): string | undefined {
    const identity = this.#pskIdentity
    this.#pskIdentity = undefined
    return identity
  }

  takeRefusal(): string | undefined {
    const refusal = this.#refusal
    this.#refusal = undefined
    return refusal
  }

  contextFor(serverName: string | null): number {
    if (serverName === null) return this.#default
    const group = this.#certificates.groupByName.find(serverName)
    if (group !== undefined) return this.#contexts.get(group) ?? this.#default
    if (this.#options.refusesUnknownNames !== true) return this.#default
    this.#refusal = `no certificate for server name '${serverName}'`
    return 0
  }

  chooseProtocol(chosen: number, length: number, offered: number, offeredBytes: number): number {
    if (this.#protocols === undefined) return c.SSL_TLSEXT_ERR_NOACK
    const { address, byteLength } = this.#protocols
    const answer = contextCalls().selectProtocol(chosen, length, address, byteLength, offered, offeredBytes)
    // Without a common protocol the server rejects the client (RFC 7301, 3.2).
    return answer === c.OPENSSL_NPN_NEGOTIATED ? c.SSL_TLSEXT_ERR_OK : c.SSL_TLSEXT_ERR_ALERT_FATAL
  }

  useTicketKey(ssl: number, name: number, iv: number, cipher: number, mac: number, isNew: boolean): number {
    // TLS 1.3 tickets are used once, so send a new one.
    const isRenewed = sslCalls().version(ssl) === c.TLS1_3_VERSION
    return this.#options.tickets?.use(name, iv, cipher, mac, isNew, isRenewed) ?? 0
  }

  staple(ssl: number, certificate: number): number {
    const staple = this.#staples.get(certificate)
    if (staple === undefined) return c.SSL_TLSEXT_ERR_NOACK
    // The SSL object takes ownership of the copy.
    const { SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP: command } = c
    const isTaken = sslCalls().control(BigInt(ssl), command, staple.length, duplicate(staple)) === 1
    return isTaken ? c.SSL_TLSEXT_ERR_OK : c.SSL_TLSEXT_ERR_NOACK
  }

  writePsk(identity: string, into: number, bytesMax: number): number {
    const byteLength = this.#psk?.write(identity, into, bytesMax) ?? 0
    if (byteLength > 0) this.#pskIdentity = identity
    return byteLength
  }

  /** Callback of clients only. */
  offerPsk(): number {
    return 0
  }

  logKey(line: string): void {
    this.#options.onKeyLog?.(line)
  }

  /** Sessions are kept in tickets, not in the server. */
  keepSession(): boolean {
    return false
  }

  #open(group: Group, problems: TlsProblems): number {
    const calls = contextCalls()
    const context = calls.open(calls.serverMethod())
    const hasKeys = this.#psk !== undefined
    const { ciphers = hasKeys ? DEFAULT_PSK_CIPHERS : DEFAULT_CIPHERS } = this.#options
    const { ciphersuites = hasKeys ? DEFAULT_PSK_CIPHERSUITES : undefined } = this.#options
    // All SSL_CTX have the same settings: report their problems once.
    const own = this.#contexts.size === 0 ? problems : new TlsProblems()
    applySettings(context, { ...this.#options, ciphers, ciphersuites }, own)
    calls.setOptions(context, c.SSL_OP_CIPHER_SERVER_PREFERENCE + c.SSL_OP_PRIORITIZE_CHACHA)
    for (const certificate of group) {
      const isTaken =
        calls.useCertificate(context, certificate.leaf) === 1 &&
        calls.usePrivateKey(context, certificate.key) === 1 &&
        certificate.chain.every((one) => calls.control(context, c.SSL_CTRL_CHAIN_CERT, 1, one) === 1)
      if (!isTaken) {
        problems.error('certificate', `the certificate cannot be used: ${takeReason()}`, certificate.index)
      }
    }
    this.#applySessions(context)
    this.#applyCallbacks(context)
    return context
  }

  #applySessions(context: number): void {
    const calls = contextCalls()
    calls.control(context, c.SSL_CTRL_SET_SESS_CACHE_MODE, c.SSL_SESS_CACHE_OFF, 0)
    const id = this.#sessionId()
    calls.setSessionIdContext(context, id, id.length)
    // A resumed session does not reveal the identity of its key, so sessions with keys are not resumed.
    if (this.#options.tickets !== undefined && this.#psk === undefined) {
      calls.setTicketCount(context, TICKETS_PER_HANDSHAKE)
      calls.setTicketCallback(context, callbacks().ticketKey)
    } else {
      calls.setTicketCount(context, 0)
      calls.setOptions(context, c.SSL_OP_NO_TICKET)
    }
  }

  /**
   * Sessions are only resumed by contexts with the same id. It includes the authorities and revocations, because
   * resumption skips the check of the client's certificate.
   */
  #sessionId(): Uint8Array {
    const { certificates, clientCertificates, id } = this.#options
    const encoder = new TextEncoder()
    const { verify = '', depth = '', authorities, revocations } = clientCertificates ?? {}
    const none = new Uint8Array(0)
    return sha256Of([
      encoder.encode(`${id ?? ''}\n${verify}\n${depth}`),
      authorities ?? none,
      revocations ?? none,
      ...certificates.map(({ chain }) => chain),
    ])
  }

  #applyCallbacks(context: number): void {
    const calls = contextCalls()
    const { serverName, alpn, staple, serverPsk, keyLog } = callbacks()
    setOwner(context, this)
    calls.callbackControl(context, c.SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, serverName)
    calls.callbackControl(context, c.SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB, staple)
    if (this.#protocols !== undefined) calls.setAlpnCallback(context, alpn, 0)
    if (this.#psk !== undefined) calls.setPskServerCallback(context, serverPsk)
    if (this.#options.onKeyLog !== undefined) calls.setKeyLogCallback(context, keyLog)
  }

  #applyClientCertificates(problems: TlsProblems): void {
    const wanted = this.#options.clientCertificates
    if (wanted === undefined) return
    const calls = contextCalls()
    const mode = c.SSL_VERIFY_PEER + (wanted.verify === 'require' ? c.SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
    const trust = openTrustStore(wanted.authorities, wanted.revocations, problems)
    for (const context of this.#contexts.values()) {
      calls.setStore(context, trust.store)
      // A copy for each context, which takes ownership of it.
      calls.setClientAuthorities(context, calls.duplicateNames(trust.names))
      calls.setVerify(context, mode, 0)
      if (wanted.depth !== undefined) calls.setVerifyDepth(context, wanted.depth)
    }
    freeTrustStore(trust)
  }

  /** Called once: after `retire`, with the last channel. */
  #free(): void {
    for (const context of this.#contexts.values()) {
      forgetOwner(context)
      contextCalls().free(context)
    }
    this.#contexts.clear()
    freeServerCertificates(this.#certificates)
    this.#psk?.free()
    if (this.#protocols !== undefined) scrubAndFree(this.#protocols.address, this.#protocols.byteLength + 1)
  }
}
