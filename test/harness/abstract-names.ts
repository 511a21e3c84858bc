import { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { openListener } from '../../src/accept/bind.js'
import { PLAIN_LISTENER } from '../../src/accept/options.js'
import type { SocketAddress } from '../../src/base/address.js'
import { AF_UNIX, SOCK_STREAM } from '../../src/kernel/constants.js'
import { unmap } from '../../src/kernel/memory.js'
import { nativeAddress } from '../../src/kernel/sockaddr.js'
import { calls, done } from '../support/sockets.js'
import { Client } from './client.js'
import type { Remote, RemotePlan } from './remote.js'

let last = 0

/** An unused name for a Unix socket, as the configuration writes it. */
export function freshName(): string {
  return `@tcprelay-test-${process.pid}-${++last}`
}

/** Starts a server under an abstract name, on our own sockets: Node 20 would bind a longer name. */
export function startAt(t: TestContext, name: string, plan: RemotePlan): Promise<Remote> {
  const keepAlive = { isOn: false, idleS: 0, intervalS: 0, count: 0 }
  const options = { ...PLAIN_LISTENER, address: addressOf(name), backlog: 16, keepAlive }
  return plan.start(t, { fd: done(openListener(calls, options)) })
}

export function clientOf(t: TestContext, name: string): Client {
  return new Client(t, openSocket(name))
}

/** A connection. */
export function openSocket(name: string): Socket {
  const fd = done(calls.socket(AF_UNIX, SOCK_STREAM, 0))
  const address = nativeAddress(addressOf(name))
  done(calls.connect(fd, address.region, address.byteLength))
  unmap(address.region)
  return new Socket({ fd, allowHalfOpen: true, readable: true, writable: true })
}

function addressOf(name: string): SocketAddress {
  return { family: 'unix', path: name.replace('@', '\0') }
}
