import type { Calls, Fd, Outcome } from '../../kernel/calls.js'
import * as c from '../../kernel/constants.js'
import { EAFNOSUPPORT } from '../../kernel/errno.js'
import { mapPrivate, unmap } from '../../kernel/memory.js'

/** Lengths of struct sockaddr_in and sockaddr_in6; where in them the address is (netinet/in.h). */
const IPV4_BYTES = 16
const IPV6_BYTES = 28
const IPV4_HOST = { begin: 4, end: 8 } as const
const IPV6_HOST = { begin: 8, end: 24 } as const
const IPV6_SCOPE = { begin: 24, end: 28 } as const

/** Before the four bytes of an IPv4 client, in the address that a socket of IPv6 has for it. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

/** Makes connections to remotes come from the address of their client, though that is no address of this machine. */
export class ClientSource {
  readonly #region = mapPrivate(IPV6_BYTES)

  /**
   * Binds a socket of `family` to the host of the client with the socket address `peer`; the kernel chooses the port.
   * Refused where the client has no address of that family, so that no client is taken for this machine.
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

  /** Gives its memory back. */
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
