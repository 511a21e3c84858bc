import { formatAddress, formatHost, parseHostLiteral } from '../base/address.js'
import type { ByteString } from '../base/byte-string.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { Blowfish } from '../wire/blowfish.js'
import { decodeDatagram, encodeDatagram } from '../wire/mavis-datagram.js'
import type { Values } from '../wire/mavis-lines.js'
import type { DatagramLink, LinkListener } from './datagram-socket.js'
import type { ModuleServices } from './module.js'
import type { RemoteQuestion } from './remote-query.js'
import type { MavisServer } from './settings.js'
import { UdpLink } from './udp-socket.js'
import { UnixLink } from './unix-datagram-socket.js'

/** What the module does with what a server says. */
export interface ServerOwner {
  onAnswer(server: RemoteServer, values: (ByteString | undefined)[]): void
  onFailure(server: RemoteServer): void
}

/** One mavisd, and what is known of it. */
export class RemoteServer implements LinkListener {
  /** Questions whose last datagram went to it: its backlog. */
  readonly current = new Set<RemoteQuestion>()
  /** Open questions that it may still answer: those, and others that went on to another server. */
  awaitedCount = 0
  readonly #name: string
  readonly #cipher: Blowfish | undefined
  readonly #link: DatagramLink
  readonly #owner: ServerOwner
  readonly #services: ModuleServices
  readonly #say: Say
  readonly #failures: RateLimitedLog
  readonly #malformed: RateLimitedLog
  #isFailing = false
  #isFailureTold = false
  #heardAtMs = Number.NEGATIVE_INFINITY

  constructor(
    { target, key }: MavisServer,
    localAddress: string | undefined,
    services: ModuleServices,
    owner: ServerOwner,
  ) {
    this.#name = nameOf(target)
    this.#cipher = key === undefined ? undefined : new Blowfish(key)
    this.#link =
      target.kind === 'udp' ? new UdpLink(target, localAddress, this) : new UnixLink(target.path, this)
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
  get heardAtMs(): number {
    return this.#heardAtMs
  }

  /** Undefined: they cannot be sent. */
  datagramOf(values: Values): Uint8Array | undefined {
    return encodeDatagram(values, this.#cipher)
  }

  send(datagram: Uint8Array): void {
    this.#link.send(datagram)
  }

  forget(datagram: Uint8Array): void {
    this.#link.forget(datagram)
  }

  close(): Promise<void> {
    return this.#link.close()
  }

  fail(why: string): void {
    this.#isFailing = true
    if (this.#isFailureTold) return
    this.#isFailureTold = true
    this.#failures.log(this.#services.nowMs(), () => `remote: ${this.#name} fails: ${why}`)
  }

  /** It may be asked again like any other. */
  forgive(): void {
    this.#isFailing = false
  }

  /** What it has sent was the answer to an open question. */
  heard(): void {
    this.#heardAtMs = this.#services.nowMs()
    this.#isFailing = false
    if (!this.#isFailureTold) return
    this.#isFailureTold = false
    this.#say(NOTICE, `remote: ${this.#name} answers again`)
  }

  /** What its handling throws costs this datagram, and its question goes on to another server. */
  onDatagram(bytes: Uint8Array): void {
    this.#services.boundary.run(
      'a datagram of a mavis server',
      () => this.#received(bytes),
      () => this.onRefused('its answer cannot be handled'),
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

  onRefused(why: string): void {
    this.fail(why)
    this.#owner.onFailure(this)
  }

  isAwaited(): boolean {
    return this.awaitedCount > 0
  }
}

function nameOf(target: MavisServer['target']): string {
  if (target.kind === 'unix') return formatHost({ family: 'unix', path: target.path })
  const literal = parseHostLiteral(target.host)
  return literal === undefined
    ? `${target.host}:${target.port}`
    : formatAddress({ ...literal, port: target.port })
}
