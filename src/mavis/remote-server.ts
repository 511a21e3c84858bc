/** One mavisd server of module `remote`: its socket, its cipher and whether it is failing. */
import { formatAddress, formatHost, parseHostLiteral } from '../base/address.js'
import type { ByteString } from '../base/byte-string.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { Blowfish } from '../wire/blowfish.js'
import { decodeDatagram, encodeDatagram } from '../wire/mavis-datagram.js'
import type { Values } from '../wire/mavis-lines.js'
import type { DatagramSocket, DatagramSocketEvents } from './datagram-socket.js'
import type { ModuleServices } from './module.js'
import type { QueryTarget, RemoteQuery } from './remote-query.js'
import type { MavisServer } from './settings.js'
import { UdpSocket } from './udp-socket.js'
import { UnixDatagramSocket } from './unix-datagram-socket.js'

/** The module, which handles answers and failures of its servers. */
export interface ServerOwner {
  onAnswer(server: RemoteServer, values: (ByteString | undefined)[]): void
  onFailure(server: RemoteServer): void
}

export class RemoteServer implements DatagramSocketEvents, QueryTarget {
  readonly current = new Set<RemoteQuery>()
  pendingCount = 0
  /** How the log names it. */
  readonly #label: string
  readonly #cipher: Blowfish | undefined
  readonly #socket: DatagramSocket
  readonly #owner: ServerOwner
  readonly #services: ModuleServices
  readonly #say: Say
  readonly #failures: RateLimitedLog
  readonly #malformed: RateLimitedLog
  /** It is asked last; cleared by an answer or by `rebalance`. */
  #isFailing = false
  /** Until it answers: `rebalance` alone does not log another failure. */
  #isFailureLogged = false
  /** CLOCK_MONOTONIC. */
  #answeredAtMs = Number.NEGATIVE_INFINITY

  constructor(
    { target, key }: MavisServer,
    localAddress: string | undefined,
    services: ModuleServices,
    owner: ServerOwner,
  ) {
    this.#label = `mavis module remote: server ${nameOf(target)}`
    this.#cipher = key === undefined ? undefined : new Blowfish(key)
    this.#socket =
      target.kind === 'udp'
        ? new UdpSocket(target, localAddress, this)
        : new UnixDatagramSocket(target.path, this)
    this.#owner = owner
    this.#services = services
    this.#say = services.say
    this.#failures = new RateLimitedLog(WARNING, services.say)
    this.#malformed = new RateLimitedLog(WARNING, services.say)
  }

  /** Whether it has refused or left a query unanswered, and has answered nothing since. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  get answeredAtMs(): number {
    return this.#answeredAtMs
  }

  /** The datagram for this server; undefined when the values cannot be encoded. */
  encode(values: Values): Uint8Array | undefined {
    return encodeDatagram(values, this.#cipher)
  }

  send(datagram: Uint8Array): void {
    this.#socket.send(datagram)
  }

  forget(datagram: Uint8Array): void {
    this.#socket.forget(datagram)
  }

  close(): Promise<void> {
    return this.#socket.close()
  }

  fail(why: string): void {
    this.#isFailing = true
    if (this.#isFailureLogged) return
    this.#isFailureLogged = true
    this.#failures.log(
      this.#services.nowMs(),
      () => `${this.#label} failed: ${why}; preferring other servers`,
    )
  }

  /** Makes it eligible again like a server that works. */
  clearFailure(): void {
    this.#isFailing = false
  }

  /** It has answered an open query, so it works. */
  recordAnswer(): void {
    this.#answeredAtMs = this.#services.nowMs()
    this.#isFailing = false
    if (!this.#isFailureLogged) return
    this.#isFailureLogged = false
    this.#say(NOTICE, `${this.#label} answers again`)
  }

  /** An exception costs this datagram; the server counts as failed and its queries go to others. */
  onDatagram(bytes: Uint8Array): void {
    this.#services.boundary.run(
      'a datagram of a mavis server',
      () => this.#received(bytes),
      () => this.onError('internal error while handling its answer'),
    )
  }

  #received(bytes: Uint8Array): void {
    const values = decodeDatagram(bytes, this.#cipher)
    if (values === undefined) {
      // No failure of the server: with UDP, anybody can send a datagram with a forged source address.
      this.#malformed.log(this.#services.nowMs(), () => `${this.#label} sent a malformed datagram`)
      return
    }
    this.#owner.onAnswer(this, values)
  }

  onError(why: string): void {
    this.fail(why)
    this.#owner.onFailure(this)
  }

  isAnswerPending(): boolean {
    return this.pendingCount > 0
  }
}

function nameOf(target: MavisServer['target']): string {
  if (target.kind === 'unix') return formatHost({ family: 'unix', path: target.path })
  const literal = parseHostLiteral(target.host)
  return literal === undefined
    ? `${target.host}:${target.port}`
    : formatAddress({ ...literal, port: target.port })
}
