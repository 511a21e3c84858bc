/** UDP sockets for tests. */
import type { Fd } from '../../src/kernel/calls.js'
import { AF_INET, AF_INET6, IPPROTO_IPV6, IPV6_V6ONLY, SOCK_DGRAM } from '../../src/kernel/constants.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { decodeAddress, nativeAddress, SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import { calls, done } from './sockets.js'

const scratch = mapPrivate(65_536)

/** A UDP socket on a free port of an address; `::` accepts IPv4 too. */
export function openUdp(host = '127.0.0.1'): Fd {
  const family = host.includes(':') ? AF_INET6 : AF_INET
  const fd = done(calls.socket(family, SOCK_DGRAM, 0))
  if (family === AF_INET6) done(calls.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0))
  const { region, byteLength } = addressAt(host, 0)
  done(calls.bind(fd, region, byteLength))
  return fd
}

/** The port that a socket is bound to. */
export function portOf(fd: Fd): number {
  const region = mapPrivate(SOCKADDR_BYTES_MAX)
  const address = decodeAddress(region.bytes, done(calls.localAddress(fd, region)))
  return address.family === 'unix' ? 0 : address.port
}

/** Connects the socket and sends one datagram. */
export function sendTo(fd: Fd, bytes: Uint8Array | string, host: string, port: number): void {
  const data = Buffer.from(bytes)
  scratch.bytes.set(data)
  const { region, byteLength } = addressAt(host, port)
  done(calls.connect(fd, region, byteLength))
  done(calls.send(fd, scratch, 0, data.length))
}

function addressAt(host: string, port: number) {
  return nativeAddress(
    host.includes(':') ? { family: 'ipv6', host, port, scope: '' } : { family: 'ipv4', host, port },
  )
}
