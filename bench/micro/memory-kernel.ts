import type { Calls, Fd } from '../../src/kernel/calls.js'
import { EAGAIN } from '../../src/kernel/errno.js'
import type { System } from '../../src/kernel/system.js'
import { type Poller, READABLE, type ReadyList, WRITABLE } from '../../src/reactor/poller.js'
import { NO_SCTP } from '../../test/support/no-sctp.js'
import { monotonic } from './monotonic.js'

/** A call that no benchmark makes. */
const refuse = (): number => {
  throw new Error('the kernel of the micro-benchmarks has no such call')
}

const succeed = (): number => 0

/**
 * A kernel that keeps one number per socket, the bytes that can be read, and allocates nothing: what is left to
 * measure is the program itself. It accepts all sends, and connects at once.
 */
export class MemoryKernel {
  readonly #readable: Int32Array
  readonly #isEnded: Uint8Array
  readonly #tokens: Int32Array
  readonly #readiness: Int32Array
  /** Descriptors with events, in the order in which they occurred. */
  readonly #news: Int32Array
  #newsCount = 0
  readonly #free: Fd[] = []
  #made = 0
  /** The clock stands still until the benchmark advances it. */
  nowMs = 1_000.5

  constructor(socketsMax: number) {
    this.#readable = new Int32Array(socketsMax)
    this.#isEnded = new Uint8Array(socketsMax)
    this.#tokens = new Int32Array(socketsMax)
    this.#readiness = new Int32Array(socketsMax)
    this.#news = new Int32Array(socketsMax)
  }

  open(): Fd {
    const fd = this.#free.pop() ?? this.#made++
    this.#readable[fd] = 0
    this.#isEnded[fd] = 0
    return fd
  }

  /** Bytes arrive, and the loop gets an event. */
  arrive(fd: Fd, byteCount: number): void {
    this.#readable[fd] = (this.#readable[fd] as number) + byteCount
    this.#tell(fd, READABLE | WRITABLE)
  }

  /** The peer has sent its last byte. */
  end(fd: Fd, readiness: number): void {
    this.#isEnded[fd] = 1
    this.#tell(fd, readiness)
  }

  #tell(fd: Fd, readiness: number): void {
    if (this.#readiness[fd] === 0) this.#news[this.#newsCount++] = fd
    this.#readiness[fd] = (this.#readiness[fd] as number) | readiness
  }

  #recv(fd: Fd, most: number): number {
    const count = Math.min(this.#readable[fd] as number, most)
    if (count === 0) return this.#isEnded[fd] === 1 ? 0 : -EAGAIN
    this.#readable[fd] = (this.#readable[fd] as number) - count
    return count
  }

  get system(): System {
    return { calls: this.#calls(), clock: monotonic(this) }
  }

  #calls(): Calls {
    return {
      recv: (fd, _into, _offset, most) => this.#recv(fd, most),
      send: (_fd, _from, _offset, byteCount) => byteCount,
      sendMore: (_fd, _from, _offset, byteCount) => byteCount,
      socket: () => this.open(),
      connect: succeed,
      setOption: succeed,
      shutdownWrite: succeed,
      close: (fd) => {
        this.#free.push(fd)
        return 0
      },
      isLocalAddress: () => false,
      peek: refuse,
      splice: refuse,
      openPipe: refuse,
      resizePipe: refuse,
      accept: refuse,
      bind: refuse,
      listen: refuse,
      localAddress: refuse,
      setTextOption: refuse,
      getOption: refuse,
      resetOnClose: refuse,
      unsentBytes: refuse,
      discard: refuse,
      sctp: NO_SCTP,
    }
  }

  get poller(): Poller {
    return {
      name: 'memory',
      add: (fd, token) => {
        this.#tokens[fd] = token
        return 0
      },
      again() {},
      pauseReads() {},
      remove: succeed,
      forget() {},
      wait: (ready) => this.#wait(ready),
      waitBriefly: (ready) => this.#wait(ready),
      close() {},
    }
  }

  #wait(ready: ReadyList): number {
    const count = this.#newsCount
    for (let i = 0; i < count; i++) {
      const fd = this.#news[i] as number
      ready.tokens[i] = this.#tokens[fd] as number
      ready.readiness[i] = this.#readiness[fd] as number
      this.#readiness[fd] = 0
    }
    this.#newsCount = 0
    return count
  }
}
