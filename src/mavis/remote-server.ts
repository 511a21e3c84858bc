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
import type { RemoteQuery } from './remote-query.js'
import type { MavisServer } from './settings.js'
import { UdpSocket } from './udp-socket.js'
import { UnixDatagramSocket } from './unix-datagram-socket.js'

/** What the module does with what a server says. */
export interface ServerOwner {
  onAnswer(server: RemoteServer, values: (ByteString | undefined)[]): void
  onFailure(server: RemoteServer): void
}

/** One mavisd, and what is known of it. */
export class RemoteServer implements DatagramSocketEvents {
  /** Questions whose last datagram went to it: its backlog. */
  readonly current = new Set<RemoteQuery>()
  /** Open questions that it may still answer: those, and others that went on to another server. */
  pendingCount = 0
  readonly #name: string
  readonly #cipher: Blowfish | undefined
  readonly #socket: DatagramSocket
  readonly #owner: ServerOwner
  readonly #services: ModuleServices
  readonly #say: Say
  readonly #failures: RateLimitedLog
  readonly #malformed: RateLimitedLog
  #isFailing = false
  #isFailureLogged = false
  #answeredAtMs = Number.NEGATIVE_INFINITY

  constructor(
    { target, key }: MavisServer,
    localAddress: string | undefined,
    services: ModuleServices,
    owner: ServerOwner,
  ) {
    this.#name = nameOf(target)
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

  /** It has refused, or has left a question unanswered, and has answered nothing since. */
  get isFailing(): boolean {
    return this.#isFailing
  }

  /** When it last answered a question, or minus infinity. */
  get answeredAtMs(): number {
    return this.#answeredAtMs
  }

  /** Undefined: they cannot be sent. */
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
    this.#failures.log(this.#services.nowMs(), () => `remote: ${this.#name} fails: ${why}`)
  }

  /** It may be asked again like any other. */
  clearFailure(): void {
    this.#isFailing = false
  }

  /** What it has sent was the answer to an open question. */
  recordAnswer(): void {
    this.#answeredAtMs = this.#services.nowMs()
    this.#isFailing = false
    if (!this.#isFailureLogged) return
    this.#isFailureLogged = false
    this.#say(NOTICE, `remote: ${this.#name} answers again`)
  }

  /** What its handling throws costs this datagram, and its question goes on to another server. */
  onDatagram(bytes: Uint8Array): void {
    this.#services.boundary.run(
      'a datagram of a mavis server',
      () => this.#received(bytes),
      () => this.onError('its answer cannot be handled'),
    )
  }

  #received(bytes: Uint8Array): void {
    const values = decodeDatagram(bytes, this.#cipher)
    if (values === undefined) {
      this.#malformed.log(this.#services.nowMs(), () => `remote: ${this.#name} sends what is no answer`)
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
