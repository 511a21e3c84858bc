/** One health check: connects to the remote, under one time limit, and closes what it has opened. */
import type { Buffer } from 'node:buffer'
import { connect, type Socket } from 'node:net'
import type { HostAddress, SocketAddress } from '../base/address.js'
import { errorText } from '../kernel/errno.js'
import { localProxyHeader } from '../wire/proxy/write-header.js'
import { clientOpening } from '../wire/starttls/client-opening.js'
import { Conversation } from './conversation.js'
import { speakOpening } from './plain-opening.js'
import { ProbeFailure } from './probe-failure.js'
import type { ProbedRemote, ProbePlan } from './probe-plan.js'
import type { ProbeTls } from './probe-tls.js'

/** How often the clock is looked at during a check. */
const LOOK_EVERY_MS = 250

/** A timer that fires so much too late: the process stood still (SIGSTOP, a virtual machine that is moved, no processor). */
export const STALL_MS = 1_000

export type SessionPlan = Pick<ProbePlan, 'sendProxy' | 'starttls' | 'timeoutMs'>

export type SessionRemote = Partial<Pick<ProbedRemote, 'name' | 'tls'>>

export class ProbeSession {
  readonly #plan: SessionPlan
  readonly #addresses: readonly SocketAddress[]
  readonly #remote: SessionRemote
  /** Made when it is asked for: most checks need none, and it costs as much as a tenth of a check. */
  #abort: AbortController | undefined
  readonly #nowMs: () => number
  readonly #endMs: number
  #timer: NodeJS.Timeout
  #lookedMs: number
  #hasStalled = false
  #conversation: Conversation | undefined
  /** While it connects, and during a TLS handshake. */
  #pending: Pending | undefined

  /** `addresses`: at least one. The time begins now. `nowMs`: CLOCK_MONOTONIC. */
  constructor(
    addresses: readonly SocketAddress[],
    plan: SessionPlan,
    remote: SessionRemote = {},
    nowMs = () => performance.now(),
  ) {
    this.#remote = remote
    this.#addresses = addresses
    this.#plan = plan
    this.#nowMs = nowMs
    this.#lookedMs = nowMs()
    this.#endMs = this.#lookedMs + plan.timeoutMs
    this.#timer = this.#lookLater()
  }

  /** The process stood still during the check, so that its result says nothing of the remote. */
  get hasStalled(): boolean {
    this.#noteStall()
    return this.#hasStalled
  }

  /** The addresses of the remote; the first one is preferred. */
  get addresses(): readonly SocketAddress[] {
    return this.#addresses
  }

  /** As in logs; '' if it has none. */
  get name(): string {
    return this.#remote.name ?? ''
  }

  /** The check speaks TLS, and asks for it in its own protocol: call `startTls`. */
  get startsTls(): boolean {
    return this.#remote.tls?.startsInProtocol ?? false
  }

  /** For checks that do more than connect: aborted with a `ProbeFailure` when the time is up, or the check is cancelled. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    return this.#abort.signal
  }

  /**
   * Connects to the first address that answers (RFC 8305), with TLS if the check begins with it or with STARTTLS. Rejects
   * with a `ProbeFailure`. Call once.
   */
  async connect(): Promise<Conversation> {
    const socket = await this.#connected()
    const { sendProxy, starttls } = this.#plan
    if (sendProxy !== undefined) socket.write(localProxyHeader(sendProxy))
    const { tls } = this.#remote
    if (tls === undefined || tls.startsInProtocol) return this.#converse(socket)
    if (starttls === undefined) return this.#converse(await this.#secured(socket, tls))
    const plain = this.#converse(socket)
    const greeting = await speakOpening(plain, clientOpening(starttls))
    return this.#converse(await this.#secured(plain.release(), tls), greeting)
  }

  /** Begins TLS on a connection on which the server has agreed to it, and takes the place of its conversation. */
  async startTls(plain: Conversation): Promise<Conversation> {
    const { tls } = this.#remote
    if (tls === undefined) throw new Error('a check without TLS settings does not begin TLS')
    return this.#converse(await this.#secured(plain.release(), tls))
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer)
    this.#pending?.socket.destroy()
    this.#conversation?.close()
    this.#abort?.abort(new ProbeFailure('the check was cancelled'))
  }

  #converse(socket: Socket, received?: Buffer): Conversation {
    this.#conversation = new Conversation(socket, received)
    return this.#conversation
  }

  /** Imported late: TLS takes memory. */
  async #secured(socket: Socket, tls: ProbeTls): Promise<Socket> {
    // Until the module is loaded.
    socket.on('error', () => {})
    const { openTls } = await import('./open-tls.js')
    return new Promise((resolve, reject) => {
      const what = 'TLS handshake'
      this.#pending = { what, socket, reject }
      openTls(socket, tls).then(
        (secure) => {
          this.#pending = undefined
          resolve(secure)
        },
        (error) => {
          this.#pending = undefined
          socket.destroy()
          reject(error)
        },
      )
    })
  }

  #connected(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = openSocket(this.#addresses)
      this.#pending = { what: 'connection', socket, reject }
      const onError = (error: NodeJS.ErrnoException) => {
        this.#pending = undefined
        socket.destroy()
        reject(new ProbeFailure(reasonOf(error)))
      }
      socket.once('error', onError)
      socket.once('connect', () => {
        this.#pending = undefined
        socket.off('error', onError)
        resolve(socket)
      })
    })
  }

  #lookLater(): NodeJS.Timeout {
    const leftMs = this.#endMs - this.#lookedMs
    return setTimeout(() => this.#look(), Math.min(leftMs, LOOK_EVERY_MS))
  }

  #look(): void {
    this.#noteStall()
    if (this.#lookedMs >= this.#endMs) this.#timeOut()
    else this.#timer = this.#lookLater()
  }

  #noteStall(): void {
    const nowMs = this.#nowMs()
    if (nowMs - this.#lookedMs > LOOK_EVERY_MS + STALL_MS) this.#hasStalled = true
    this.#lookedMs = nowMs
  }

  #timeOut(): void {
    const limit = `${this.#plan.timeoutMs / 1_000} s`
    const pending = this.#pending
    this.#pending = undefined
    pending?.socket.destroy()
    pending?.reject(new ProbeFailure(`no ${pending.what} within ${limit}`))
    this.#conversation?.timeOut(limit)
    this.#abort?.abort(new ProbeFailure(`no answer within ${limit}`))
  }
}

interface Pending {
  readonly what: string
  readonly socket: Socket
  reject(error: ProbeFailure): void
}

/** Of several addresses the first one that answers is used, each begun 250 ms after the one before. */
function openSocket(addresses: readonly SocketAddress[]): Socket {
  const [first, ...others] = addresses
  if (first === undefined) throw new Error('a remote without an address is not checked')
  if (first.family === 'unix') return connect({ path: first.path })
  if (others.length === 0) return connect({ host: literal(first), port: first.port })
  const hosts = addresses.filter((address): address is HostAddress => address.family !== 'unix')
  return connect({
    // Not looked up: `lookup` has the addresses. They have the same port, because they are those of one name.
    host: 'remote',
    port: first.port,
    autoSelectFamily: true,
    lookup: (_host, _options, done) =>
      done(
        null,
        hosts.map((address) => ({ address: literal(address), family: address.family === 'ipv4' ? 4 : 6 })),
      ),
  })
}

/** With the scope of a link-local address. */
function literal(address: HostAddress): string {
  return address.family === 'ipv6' && address.scope !== '' ? `${address.host}%${address.scope}` : address.host
}

/** Why it could not connect, in the words that the log has for sessions. */
function reasonOf(
  error: NodeJS.ErrnoException & { readonly errors?: readonly NodeJS.ErrnoException[] },
): string {
  // With several addresses there is one error for each of them.
  const { errno, message } = error.errors?.[0] ?? error
  return errno === undefined ? message : errorText(-errno)
}
