/** What a header of the PROXY protocol says of a client's connection; `write-header.ts` encodes it. */

/** The longest Unix path of the protocol, as in struct sockaddr_un. */
export const PATH_BYTES = 108

/** One end of the connection: a record that is reused. */
export class ProxyEnd {
  family: 'none' | 'ipv4' | 'ipv6' | 'unix' = 'none'
  port = 0
  /** The address, 4 or 16 bytes, or the path, padded with zeros. */
  readonly host = new Uint8Array(PATH_BYTES)

  setIpv4(bytes: Uint8Array, at: number, port: number): void {
    this.family = 'ipv4'
    this.#set(bytes, at, 4, port)
  }

  setIpv6(bytes: Uint8Array, at: number, port: number): void {
    this.family = 'ipv6'
    this.#set(bytes, at, 16, port)
  }

  /** `byteCount` zero: the socket has no name. */
  setUnix(bytes: Uint8Array, at: number, byteCount: number): void {
    this.family = 'unix'
    this.host.fill(0)
    this.#set(bytes, at, Math.min(byteCount, PATH_BYTES), 0)
  }

  /** The end is not known. */
  clear(): void {
    this.family = 'none'
  }

  #set(bytes: Uint8Array, at: number, byteCount: number, port: number): void {
    for (let i = 0; i < byteCount; i++) this.host[i] = bytes[at + i] as number
    this.port = port
  }
}

/** The client's TLS. */
export interface ProxyTls {
  /** `TLSv1.3` */
  readonly version: string
  readonly cipher: string
  /** Of a certificate that was verified; undefined: the client has shown none. '' if the certificate has none. */
  readonly commonName: string | undefined
  /** The certificate was shown on an earlier connection of the same TLS session. */
  readonly isResumed: boolean
}

/** Texts are '' if there is nothing to say. */
export class ProxyFacts {
  readonly source = new ProxyEnd()
  readonly destination = new ProxyEnd()
  serverName = ''
  alpn = ''
  uniqueId = ''
  /** Undefined: the client does not speak TLS, or not with this program. */
  tls: ProxyTls | undefined = undefined
}
