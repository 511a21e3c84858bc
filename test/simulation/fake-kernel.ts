import type { SocketAddress } from '../../src/base/address.js'
import type { Calls } from '../../src/kernel/calls.js'
import { AF_UNIX } from '../../src/kernel/constants.js'
import { EINTR, EINVAL, EMFILE, EPERM } from '../../src/kernel/errno.js'
import type { Region } from '../../src/kernel/region.js'
import { decodeAddress, encodeAddress } from '../../src/kernel/sockaddr.js'
import type { Clock, System } from '../../src/kernel/system.js'
import { type Poller, READABLE, type ReadyList, WRITABLE } from '../../src/reactor/poller.js'
import { NO_SCTP } from '../support/no-sctp.js'
import type { Chance } from './chance.js'
import { FakePipe } from './fake-pipe.js'
import { FakeSocket } from './fake-socket.js'
import { FakeUnixSocket } from './fake-unix-socket.js'

const LOCAL_ADDRESS = encodeAddress({ family: 'ipv4', host: '10.0.0.1', port: 80 })

/** How often the kernel fails. Each is a probability per call, except for the sizes. */
export interface Faults {
  readonly interrupted: number
  readonly shortWrite: number
  readonly noDescriptor: number
  /** The limits of the user do not allow a pipe of that size. */
  readonly noPipeSize: number
  /** Spurious events of epoll. */
  readonly spurious: number
  /** A write to a Unix socket carries descriptors. */
  readonly descriptors: number
  readonly sendCapacityMin: number
  readonly sendCapacityMax: number
}

/**
 * The system that the simulated relay runs on: sockets, an edge-triggered poller and a clock, all in plain
 * memory and all decided by one seed. Calls that a relay must not make (on closed descriptors) throw.
 */
export class FakeKernel {
  nowMs = 1_000_000
  readonly faults: Faults
  /** Called when the relay connects; returns like connect(2), or throws for a broken world. */
  onConnect: (socket: FakeSocket, address: SocketAddress) => number = () => 0
  readonly #chance: Chance
  readonly #sockets = new Map<number, FakeSocket>()
  /** By either end. */
  readonly #pipes = new Map<number, FakePipe>()
  readonly #watched = new Map<number, { readonly token: number; hasNews: boolean; isHushed: boolean }>()
  /** Closed by the relay with undelivered bytes. */
  readonly #orphans = new Set<FakeSocket>()

  constructor(chance: Chance, faults: Faults) {
    this.#chance = chance
    this.faults = faults
  }

  get openDescriptors(): number[] {
    return [...this.#sockets.keys(), ...this.#pipes.keys()]
  }

  get carryingSockets(): FakeSocket[] {
    return [...this.#sockets.values(), ...this.#orphans].filter(({ isCarrying }) => isCarrying)
  }

  /** Descriptors are reused at once, lowest first, as by the kernel. */
  #freeDescriptor(besides = -1): number {
    let fd = 10
    while (this.#sockets.has(fd) || this.#pipes.has(fd) || fd === besides) fd++
    return fd
  }

  /** A socket of the relay. */
  newSocket(kind: 'tcp' | 'unix'): FakeSocket {
    const fd = this.#freeDescriptor()
    const { descriptors, sendCapacityMax, sendCapacityMin } = this.faults
    const capacity = this.#chance.between(sendCapacityMin, sendCapacityMax)
    const socket =
      kind === 'unix'
        ? new FakeUnixSocket(fd, capacity, this.#chance, descriptors)
        : new FakeSocket(fd, capacity)
    this.#sockets.set(fd, socket)
    return socket
  }

  socketAt(fd: number): FakeSocket {
    const socket = this.#sockets.get(fd)
    if (socket === undefined) throw new Error(`a call on descriptor ${fd}, which is not open`)
    return socket
  }

  get system(): System {
    return { calls: this.#calls(), clock: this.#clock() }
  }

  #clock(): Clock {
    return {
      monotonicMs: () => this.nowMs,
      readMonotonicMs: (into) => into.fill(this.nowMs),
      wallMs: () => this.nowMs,
    }
  }

  #isInterrupted(): boolean {
    return this.#chance.is(this.faults.interrupted)
  }

  #calls(): Calls {
    const at = (fd: number) => this.socketAt(fd)
    const bytesOf = (region: Region, offset: number, count: number) =>
      region.bytes.subarray(offset, offset + count)
    return {
      recv: (fd, into, offset, most) =>
        this.#isInterrupted() ? -EINTR : at(fd).recv(bytesOf(into, offset, most)),
      peek: (fd, into, offset, most) =>
        this.#isInterrupted() ? -EINTR : at(fd).peek(bytesOf(into, offset, most)),
      send: (fd, from, offset, count) => {
        const most = this.#chance.is(this.faults.shortWrite) ? this.#chance.between(0, count) : count
        return this.#isInterrupted() ? -EINTR : at(fd).send(bytesOf(from, offset, count), most)
      },
      sendMore: (fd, from, offset, count) => {
        const took = this.#isInterrupted() ? -EINTR : at(fd).send(bytesOf(from, offset, count), count)
        at(fd).awaitsMore = took === count
        return took
      },
      splice: (from, to, most) => this.#splice(from, to, most),
      openPipe: (ends) => this.#openPipe(ends),
      resizePipe: (fd, byteCount) => {
        const pipe = this.#pipeAt(fd)
        if (this.#chance.is(this.faults.noPipeSize)) return -EPERM
        pipe.capacity = byteCount
        return byteCount
      },
      socket: (family) => {
        if (this.#chance.is(this.faults.noDescriptor)) return -EMFILE
        return this.newSocket(family === AF_UNIX ? 'unix' : 'tcp').fd
      },
      connect: (fd, address, byteCount) => this.onConnect(at(fd), decodeAddress(address.bytes, byteCount)),
      getOption: (fd) => at(fd).takeError(),
      setOption: (fd) => touch(at(fd)),
      setTextOption: (fd) => touch(at(fd)),
      resetOnClose: (fd) => {
        at(fd).willResetOnClose = true
        return 0
      },
      unsentBytes: (fd) => at(fd).unsent.length,
      shutdownWrite: (fd) => at(fd).shutdownWrite(),
      close: (fd) => this.#close(fd),
      sctp: NO_SCTP,
      discard: () => 0,
      accept: refuse,
      bind: refuse,
      listen: refuse,
      localAddress: (fd, into) => {
        touch(at(fd))
        into.bytes.set(LOCAL_ADDRESS)
        return LOCAL_ADDRESS.length
      },
      isLocalAddress: () => false,
    }
  }

  #openPipe(ends: Int32Array): number {
    if (this.#chance.is(this.faults.noDescriptor)) return -EMFILE
    const readEnd = this.#freeDescriptor()
    const pipe = new FakePipe(readEnd, this.#freeDescriptor(readEnd))
    this.#pipes.set(pipe.readEnd, pipe).set(pipe.writeEnd, pipe)
    ends[0] = pipe.readEnd
    ends[1] = pipe.writeEnd
    return 0
  }

  #pipeAt(fd: number): FakePipe {
    const pipe = this.#pipes.get(fd)
    if (pipe === undefined) throw new Error(`descriptor ${fd} is no open pipe`)
    return pipe
  }

  /** The size of a move depends on more than the bytes: on slots, and on memory. */
  #splice(from: number, to: number, wanted: number): number {
    const most = this.#chance.is(this.faults.shortWrite) ? this.#chance.between(1, wanted) : wanted
    if (this.#isInterrupted()) return -EINTR
    const source = this.#pipes.get(from)
    if (source === undefined) {
      const sink = this.#pipeAt(to)
      return sink.writeEnd === to ? sink.fillFrom(this.#spliceable(from), most) : -EINVAL
    }
    if (source.readEnd !== from) return -EINVAL
    return source.emptyInto(this.#spliceable(to), wanted, most)
  }

  /** The kernel could splice Unix sockets, but each message takes a slot of the pipe: the relay copies instead. */
  #spliceable(fd: number): FakeSocket {
    const socket = this.socketAt(fd)
    if (socket instanceof FakeUnixSocket) throw new Error(`a splice with the Unix socket ${fd}`)
    return socket
  }

  #close(fd: number): number {
    if (this.#pipes.delete(fd)) return 0
    const socket = this.socketAt(fd)
    this.#sockets.delete(fd)
    this.#watched.delete(fd)
    socket.close()
    if (socket.isCarrying) this.#orphans.add(socket)
    return 0
  }

  /** Edge-triggered: reports a socket after something has happened, with all current conditions. */
  get poller(): Poller {
    return {
      name: 'fake',
      add: (fd, token) => {
        this.socketAt(fd)
        this.#watched.set(fd, { token, hasNews: true, isHushed: false })
        return 0
      },
      again: (fd) => {
        const watch = this.#watched.get(fd)
        if (watch?.isHushed) Object.assign(watch, { isHushed: false, hasNews: true })
      },
      pauseReads: (fd) => Object.assign(this.#watched.get(fd) ?? {}, { isHushed: true }),
      remove: (fd) => {
        this.#watched.delete(fd)
        return 0
      },
      forget: () => {},
      wait: (ready) => (this.#isInterrupted() ? 0 : this.#wait(ready)),
      waitBriefly: (ready) => (this.#isInterrupted() ? 0 : this.#wait(ready)),
      close: () => {},
    }
  }

  /** An event that the loop has not seen, because a signal interrupted it. */
  get hasNews(): boolean {
    return [...this.#watched].some(([fd, { hasNews }]) => hasNews || this.socketAt(fd).hasEdge)
  }

  #wait(ready: ReadyList): number {
    let count = 0
    for (const [fd, watch] of this.#watched) {
      const socket = this.socketAt(fd)
      const isTold = watch.hasNews || socket.hasEdge || this.#chance.is(this.faults.spurious)
      const readiness = socket.readiness & (watch.isHushed ? ~(READABLE | WRITABLE) : ~0)
      if (!isTold || socket.readiness === 0) continue
      watch.hasNews = false
      socket.hasEdge = false
      if (readiness === 0) continue
      ready.tokens[count] = watch.token
      ready.readiness[count] = readiness
      if (++count === ready.capacity) break
    }
    return count
  }

  /** The network transfers a little, for one socket. */
  carry(socket: FakeSocket): void {
    socket.carry(this.#chance.between(1, this.faults.sendCapacityMax))
    if (!socket.isCarrying) this.#orphans.delete(socket)
  }
}

function refuse(): number {
  throw new Error('the simulation has no such call')
}

/** Looking a socket up checks that it is open. */
function touch(_socket: FakeSocket): number {
  return 0
}
