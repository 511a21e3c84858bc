import type { Outcome } from '../../src/kernel/calls.js'
import * as c from '../../src/kernel/constants.js'
import { EINPROGRESS, errorText } from '../../src/kernel/errno.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { mapPrivate, type Region } from '../../src/kernel/memory.js'
import { type NativeAddress, nativeAddress } from '../../src/kernel/sockaddr.js'
import type { System } from '../../src/kernel/system.js'
import { openEpoll } from '../../src/reactor/epoll.js'
import { Loop } from '../../src/reactor/loop.js'

/** What all connections of a generator have in common. */
export interface Surroundings extends System {
  readonly loop: Loop
  readonly address: NativeAddress
}

export function openSurroundings(port: number): Surroundings {
  const system = linuxSystem()
  return {
    ...system,
    loop: new Loop(openEpoll(), system.clock),
    address: nativeAddress({ family: 'ipv4', host: '127.0.0.1', port }),
  }
}

/** A socket that connects to the relay, or a negated errno. */
export function openSocket({ calls, address }: Surroundings): Outcome {
  const fd = calls.socket(address.family, c.SOCK_STREAM, 0)
  if (fd < 0) return fd
  calls.setOption(fd, c.IPPROTO_TCP, c.TCP_NODELAY, 1)
  const outcome = calls.connect(fd, address.region, address.byteLength)
  if (outcome >= 0 || outcome === -EINPROGRESS) return fd
  calls.close(fd)
  return outcome
}

/** Why a call that returned `outcome` ends a connection; 0 is the end of the stream. */
export function reasonOf(outcome: Outcome): string {
  return outcome === 0 ? 'closed before the reply' : errorText(-outcome)
}

/** Bytes that are sent repeatedly, in memory for the kernel. */
export function nativeText(text: string): Region {
  const bytes = Buffer.from(text, 'latin1')
  const region = mapPrivate(bytes.length)
  region.bytes.set(bytes)
  return region
}
