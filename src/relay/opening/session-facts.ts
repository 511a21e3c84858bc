/** What is known of a client when its pool is chosen. */
import { NO_LISTENER, type RouteCertificate, type RouteFacts } from '../../admission/route-facts.js'
import { hashAddress } from '../../balance/hash.js'
import { clientServerName } from '../../base/server-name.js'
import { AF_INET, AF_INET6 } from '../../kernel/constants.js'
import { sha256 } from '../../kernel/openssl-digest.js'
import { IPV4_AT, IPV6_AT, isMapped, MAPPED_IPV4_AT, portIn } from '../../kernel/sockaddr.js'
import type { TlsFacts } from '../../tls/channel-facts.js'
import type { ClientHello } from '../../wire/client-hello.js'
import { NO_PROTOCOL } from '../../wire/sniff/detect.js'
import { PROTOCOL_NAMES } from '../../wire/sniff/protocol-names.js'
import type { Session } from '../session.js'
import { identityOf } from './client-identity.js'

const NOBODY = new Uint8Array(0)
const NO_ALPN: readonly string[] = []

/** TLS versions by their numbers in a ClientHello, the newest first. */
const OFFERED_VERSIONS = [
  [0x0304, 'TLSv1.3'],
  [0x0303, 'TLSv1.2'],
  [0x0302, 'TLSv1.1'],
  [0x0301, 'TLSv1.0'],
] as const

/** One record for all clients of a reactor, valid until the next `of`. Whatever costs a call is read when it is asked for. */
export class SessionFacts implements RouteFacts {
  listenerSlot = NO_LISTENER
  realm = ''
  address: Uint8Array = NOBODY
  addressAt = 0
  addressByteCount = 0
  #session: Session | undefined = undefined
  #hello: ClientHello | undefined = undefined
  #tls: TlsFacts | undefined = undefined
  #isTlsRead = false
  #localPort = -1
  /** Undefined: not computed yet. An index and the routes that it finds ask for it. */
  #serverName: string | undefined = undefined

  of(session: Session): SessionFacts {
    this.#session = session
    this.#hello = session.client.hello
    this.#isTlsRead = false
    this.#localPort = -1
    this.#serverName = undefined
    this.listenerSlot = session.relay.listeners.length === 0 ? NO_LISTENER : session.listenerSlot
    this.realm = session.realm
    this.#findAddress(session.peer)
    return this
  }

  get localPort(): number {
    if (this.#localPort < 0) this.#localPort = this.#readLocalPort()
    return this.#localPort
  }

  addressHash(): number {
    return hashAddress(this.address, this.addressAt, this.addressByteCount)
  }

  serverName(): string {
    this.#serverName ??= clientServerName(
      this.#hello?.serverName ?? this.#tlsFacts()?.serverName ?? this.#session?.tlvs?.authority,
    )
    return this.#serverName
  }

  alpn(): readonly string[] {
    if (this.#hello !== undefined) return this.#hello.alpn
    // TLS that the sender of a PROXY header has terminated.
    const negotiated = this.#tlsFacts()?.alpn ?? (this.#session?.tlvs?.alpn || undefined)
    return negotiated === undefined ? NO_ALPN : [negotiated]
  }

  protocol(): string {
    return PROTOCOL_NAMES[this.#session?.protocol ?? NO_PROTOCOL] ?? ''
  }

  tlsVersion(): string {
    if (this.#hello === undefined) return this.#tlsFacts()?.version ?? ''
    const { versions } = this.#hello
    return OFFERED_VERSIONS.find(([number]) => versions.includes(number))?.[1] ?? ''
  }

  certificate(): RouteCertificate | undefined {
    const peer = this.#tlsFacts()?.peer
    if (peer === undefined) return undefined
    const { alternativeNames, der, issuer, subject } = peer
    return {
      alternativeNames,
      issuer,
      subject,
      fingerprint: () => Buffer.from(sha256(der)).toString('hex'),
    }
  }

  user(): string {
    return identityOf(this.#tlsFacts())?.user ?? ''
  }

  #tlsFacts(): TlsFacts | undefined {
    if (!this.#isTlsRead) {
      const client = this.#session?.client
      this.#tls = client?.tlsFacts ?? client?.tls?.facts()
      this.#isTlsRead = true
    }
    return this.#tls
  }

  #findAddress(peer: Uint8Array): void {
    this.address = peer
    const family = peer[0]
    if (family === AF_INET) this.#setAddress(IPV4_AT, 4)
    else if (family === AF_INET6 && isMapped(peer)) this.#setAddress(MAPPED_IPV4_AT, 4)
    else if (family === AF_INET6) this.#setAddress(IPV6_AT, 16)
    else this.#setAddress(0, 0)
  }

  #setAddress(at: number, byteCount: number): void {
    this.addressAt = at
    this.addressByteCount = byteCount
  }

  #readLocalPort(): number {
    if (this.#session === undefined) return 0
    const { client, relay } = this.#session
    const { blocks, system } = relay
    return system.calls.localAddress(client.fd, blocks.scratch) < 0 ? 0 : portIn(blocks.scratch.bytes)
  }
}
