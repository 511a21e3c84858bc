// The remote: replies to an HTTP request and closes, and discards everything else. Argument: PORT
// It uses this program's own reactor, because a slow server makes sessions pile up in the relay.
import { openListener } from '../../src/accept/bind.js'
import { PLAIN_LISTENER } from '../../src/accept/options.js'
import type { Calls, Fd } from '../../src/kernel/calls.js'
import { errorText } from '../../src/kernel/errno.js'
import { raiseDescriptorLimit } from '../../src/kernel/limits.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { mapPrivate, type Region } from '../../src/kernel/memory.js'
import { SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import { openEpoll } from '../../src/reactor/epoll.js'
import { Loop, NO_TOKEN, type Watcher } from '../../src/reactor/loop.js'

const REPLY = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n'
const FIRST_OF_GET = 'G'.charCodeAt(0)
/** One receive per turn is enough for bulk, and keeps the others' delay short. */
const SCRATCH_BYTES = 1 << 20
const NO_KEEPALIVE = { isOn: false, idleS: 0, intervalS: 0, count: 0 }

interface World {
  readonly calls: Calls
  readonly loop: Loop
  readonly scratch: Region
}

class Client implements Watcher {
  token = NO_TOKEN
  readonly #world: World
  readonly #fd: Fd
  #received = 0

  constructor(world: World, fd: Fd) {
    this.#world = world
    this.#fd = fd
    if (world.loop.watch(fd, this, 'level') < 0) world.calls.close(fd)
  }

  onReady(): void {
    const { calls, scratch } = this.#world
    const count = calls.recv(this.#fd, scratch, 0, SCRATCH_BYTES)
    if (count > 0 && this.#received === 0 && scratch.bytes[0] === FIRST_OF_GET) this.#finish(REPLY)
    else if (count > 0) this.#received += count
    else this.#finish(String(this.#received))
  }

  #finish(text: string): void {
    const { calls, loop, scratch } = this.#world
    const { written } = new TextEncoder().encodeInto(text, scratch.bytes)
    calls.send(this.#fd, scratch, 0, written)
    calls.close(this.#fd)
    loop.forget(this.#fd, this)
  }
}

class Door implements Watcher {
  token = NO_TOKEN
  readonly #world: World
  readonly #fd: Fd
  readonly #peer = mapPrivate(SOCKADDR_BYTES_MAX)

  constructor(world: World, fd: Fd) {
    this.#world = world
    this.#fd = fd
    world.loop.watch(fd, this, 'level')
  }

  onReady(): void {
    const { calls } = this.#world
    for (let fd = calls.accept(this.#fd, this.#peer); fd >= 0; fd = calls.accept(this.#fd, this.#peer)) {
      new Client(this.#world, fd)
    }
  }
}

raiseDescriptorLimit()
const { calls, clock } = linuxSystem()
const world = { calls, loop: new Loop(openEpoll(), clock), scratch: mapPrivate(SCRATCH_BYTES) }
const address = { family: 'ipv4', host: '127.0.0.1', port: Number(process.argv[2]) } as const
const listenFd = openListener(calls, { address, backlog: 4_096, keepAlive: NO_KEEPALIVE, ...PLAIN_LISTENER })
if (listenFd < 0) throw new Error(`cannot listen: ${errorText(-listenFd)}`)
new Door(world, listenFd)
world.loop.run()
