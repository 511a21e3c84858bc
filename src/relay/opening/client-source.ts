/** Transparent proxying: connections to remotes use the client's source address. */
import type { Calls, Fd, Outcome } from '../../kernel/calls.js'
import * as c from '../../kernel/constants.js'
import { EAFNOSUPPORT } from '../../kernel/errno.js'
import { mapPrivate, unmap } from '../../kernel/memory.js'

/** Sizes of struct sockaddr_in and sockaddr_in6, and the offsets of their addresses (netinet/in.h). */
const IPV4_BYTES = 16
const IPV6_BYTES = 28
const IPV4_HOST = { begin: 4, end: 8 } as const
const IPV6_HOST = { begin: 8, end: 24 } as const
const IPV6_SCOPE = { begin: 24, end: 28 } as const

/** Prefix of IPv4-mapped IPv6 addresses. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Binds sockets to the client's address, which is not an address of this machine (IP_TRANSPARENT). */
export class ClientSource {
  readonly #region = mapPrivate(IPV6_BYTES)

  /**
   * Binds a socket of `family` to the host of the client's socket address `peer`; the kernel chooses the port. Fails
   * if the client has no address of that family: the connection must not come from this machine's address instead.
   */
  bind(calls: Calls, fd: Fd, family: number, peer: Uint8Array): Outcome {
    const byteCount = family === c.AF_INET ? this.#setIpv4(peer) : this.#setIpv6(peer)
    if (byteCount === 0) return -EAFNOSUPPORT
    const outcome =
      family === c.AF_INET
        ? calls.setOption(fd, c.IPPROTO_IP, c.IP_TRANSPARENT, 1)
        : calls.setOption(fd, c.IPPROTO_IPV6, c.IPV6_TRANSPARENT, 1)
    return outcome < 0 ? outcome : calls.bind(fd, this.#region, byteCount)
  }

  /** Frees its native memory. */
  close(): void {
    unmap(this.#region)
  }

  #setIpv4(peer: Uint8Array): number {
    if (peer[0] === c.AF_INET)
      this.#set(c.AF_INET, peer.subarray(IPV4_HOST.begin, IPV4_HOST.end), IPV4_HOST.begin)
    else if (isMapped(peer))
      this.#set(c.AF_INET, peer.subarray(IPV6_HOST.end - 4, IPV6_HOST.end), IPV4_HOST.begin)
    else return 0
    return IPV4_BYTES
  }

  #setIpv6(peer: Uint8Array): number {
    if (peer[0] !== c.AF_INET6 || isMapped(peer)) return 0
    this.#set(c.AF_INET6, peer.subarray(IPV6_HOST.begin, IPV6_HOST.end), IPV6_HOST.begin)
    this.#region.bytes.set(peer.subarray(IPV6_SCOPE.begin, IPV6_SCOPE.end), IPV6_SCOPE.begin)
    return IPV6_BYTES
  }

  #set(family: number, host: Uint8Array, at: number): void {
    this.#region.bytes.fill(0)
    this.#region.bytes[0] = family
    this.#region.bytes.set(host, at)
  }
}

function isMapped(peer: Uint8Array): boolean {
  return peer[0] === c.AF_INET6 && MAPPED.every((byte, i) => peer[IPV6_HOST.begin + i] === byte)
}
