/** One health check: connects to the remote, under one time limit, and closes what it has opened. */
import { connect, type Socket } from 'node:net'
import type { HostAddress, SocketAddress } from '../base/address.js'
import { errorText } from '../kernel/errno.js'
import { Conversation } from './conversation.js'
import { ProbeFailure } from './probe-failure.js'
import type { ProbePlan } from './probe-plan.js'
import { proxyHeader } from './proxy-header.js'

export type SessionPlan = Pick<ProbePlan, 'sendProxy' | 'timeoutMs'>

export class ProbeSession {
  readonly #plan: SessionPlan
  readonly #addresses: readonly SocketAddress[]
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout
  #conversation: Conversation | undefined
  /** While it connects. */
  #pending: { readonly socket: Socket; reject(error: ProbeFailure): void } | undefined

  /** `addresses`: at least one. The time begins now. */
  constructor(addresses: readonly SocketAddress[], plan: SessionPlan) {
    this.#addresses = addresses
    this.#plan = plan
    this.#timer = setTimeout(() => this.#timeOut(), plan.timeoutMs)
  }

  /** The addresses of the remote; the first one is preferred. */
  get addresses(): readonly SocketAddress[] {
    return this.#addresses
  }

  /** For checks that do more than connect: aborted with a `ProbeFailure` when the time is up, or the check is cancelled. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Connects to the first address that answers (RFC 8305). Rejects with a `ProbeFailure`. Call once. */
  async connect(): Promise<Conversation> {
    const socket = await this.#connected()
    const conversation = new Conversation(socket)
    this.#conversation = conversation
    const { sendProxy } = this.#plan
    if (sendProxy !== undefined) conversation.send(proxyHeader(sendProxy))
    return conversation
  }

  /** Idempotent. */
  close(): void {
    clearTimeout(this.#timer)
    this.#pending?.socket.destroy()
    this.#conversation?.close()
  }

  #connected(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = openSocket(this.#addresses)
      this.#pending = { socket, reject }
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

  #timeOut(): void {
    const limit = `${this.#plan.timeoutMs / 1_000} s`
    const pending = this.#pending
    this.#pending = undefined
    pending?.socket.destroy()
    pending?.reject(new ProbeFailure(`no connection within ${limit}`))
    this.#conversation?.timeOut(limit)
    this.#abort.abort(new ProbeFailure(`no answer within ${limit}`))
  }
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
