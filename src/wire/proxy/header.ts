/** What a PROXY protocol header says. Read this folder from here; `read-header.ts` reads both versions. */
import type { ProxyTlvs } from './tlvs.js'

/**
 * Where the client comes from: an IP address and port, a Unix socket, or `peer`: whoever sent the header. The last one is
 * `UNKNOWN` in version 1, the command LOCAL or an unspecified family in version 2.
 */
export type ProxySource = 'ipv4' | 'ipv6' | 'unix' | 'peer'

/** A header, as a record that each reading overwrites. */
export class ProxyHeader {
  source: ProxySource = 'peer'
  /** The client's address: 4 bytes, or 16 for IPv6. */
  readonly host: Uint8Array = new Uint8Array(16)
  port = 0
  /** The address that the client has connected to, in the family of its own. */
  readonly destination: Uint8Array = new Uint8Array(16)
  destinationPort = 0
  /** Undefined without TLVs, which only version 2 has. */
  tlvs: ProxyTlvs | undefined = undefined
  /** Why the last header was malformed. */
  problem = ''

  /** Whoever sent the header. */
  setPeer(): void {
    this.source = 'peer'
    this.port = 0
    this.tlvs = undefined
  }
}

/** More bytes are needed to know whether there is a header at all: these are the beginning of a signature. */
export const UNDECIDED = 0
/** There is a header, and more bytes of it are needed. */
export const INCOMPLETE = -1
/** There is no header. */
export const NO_HEADER = -2
/** `ProxyHeader.problem` says why. */
export const MALFORMED = -3

export function malformed(header: ProxyHeader, problem: string): number {
  header.problem = problem
  return MALFORMED
}
