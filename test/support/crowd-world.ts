/** A relay with many sessions on fake sockets, for tests of cost per session. */
import { localCells } from '../../src/cells/cells.js'
import type { Calls } from '../../src/kernel/calls.js'
import { EAGAIN } from '../../src/kernel/errno.js'
import { heapRegion, type Region } from '../../src/kernel/region.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'
import { accessLine } from '../../src/observe/access-line.js'
import { counterTables } from '../../src/observe/counters.js'
import { ACCESS, LogRingWriter } from '../../src/observe/log-ring.js'
import { INFO } from '../../src/observe/severity.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { Loop } from '../../src/reactor/loop.js'
import { READABLE } from '../../src/reactor/poller.js'
import { HostLookups } from '../../src/relay/opening/host-lookups.js'
import { Questions } from '../../src/relay/opening/questions.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import { Relay } from '../../src/relay/relay.js'
import { NO_TLS } from '../../src/relay/relay-tls.js'
import { Remotes } from '../../src/relay/remotes.js'
import { DEFAULT_SESSION_OPTIONS } from '../../src/relay/session-options.js'
import { ThrottledWarnings } from '../../src/relay/throttled-warnings.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Pipes } from '../../src/relay/transfer/pipes.js'
import { SPLICE_POLICIES } from '../../src/relay/transfer/splice-policies.js'
import { FakeClock, FakePoller } from './fake-poller.js'
import { NO_SCTP } from './no-sctp.js'
import { listenerPlan } from './plans.js'
import { choosing } from './pools.js'

/** Enough for all log lines of a test. */
const RING_BYTES = 16 * 1024

/** Never reached, but every session has its timer set. */
const IDLE_TIMEOUT_MS = 60_000

const OPTIONS = {
  ...DEFAULT_RELAY_OPTIONS,
  hasAccessLog: true,
  notesPeers: true,
}

const SESSION_OPTIONS = {
  dialRetries: 0,
  idleTimeoutMs: IDLE_TIMEOUT_MS,
  keepAlive: { ...DEFAULT_SESSION_OPTIONS.keepAlive, isOn: false },
  splice: SPLICE_POLICIES.no,
}

/**
 * The test controls sockets and time; every call succeeds at once, and the cost of this fixture does not depend on
 * the number of sessions.
 */
export class CrowdWorld {
  /** System calls so far, without waits of the poller. */
  calls = 0
  readonly #poller = new FakePoller()
  readonly #clock = new FakeClock()
  readonly #loop = new Loop(this.#poller, this.#clock)
  /** Readable bytes by socket; END for its end. */
  readonly #readable = new Map<number, number>()
  readonly #peer = heapRegion(128)
  readonly #relay: Relay
  #lastFd = 10

  constructor() {
    const cells = localCells({ children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: RING_BYTES })
    const child = cells.child(0)
    const ring = new LogRingWriter(child, () => {})
    const calls = this.#fakeCalls()
    const address = { family: 'ipv4', host: '10.0.0.2', port: 80 } as const
    this.#peer.bytes.set(encodeAddress({ family: 'ipv4', host: '10.0.0.1', port: 1024 }))
    this.#relay = new Relay(
      {
        system: { calls, clock: this.#clock },
        loop: this.#loop,
        blocks: new Blocks(calls, heapRegion),
        pipes: new Pipes(calls, this.#loop, { pipesMax: 1, pipeBytes: 65_536 }),
        questions: new Questions(this.#loop, () => {}),
        lookups: new HostLookups(this.#loop, () => {}),
        remotes: new Remotes([{ name: 'remote', addresses: [address] }], cells, child),
        ...choosing({ weights: [1] }, { cells, loop: this.#loop }, SESSION_OPTIONS),
        options: OPTIONS,
        tls: NO_TLS,
        ...counterTables(child, [0]),
        log: () => {},
        warnings: new ThrottledWarnings(() => {}),
        trace: new TraceChannel('NET', 0, () => {}),
        listeners: [listenerPlan('listener')],
        writeAccess: (record) => void ring.write(ACCESS, INFO, accessLine(record)),
      },
      { onRoom: () => {}, onRetired: () => {} },
    )
  }

  get openCount(): number {
    return this.#relay.openCount
  }

  /** Connects a client through to the remote; returns the descriptors of both sockets. */
  connect(): { readonly client: number; readonly remote: number } {
    const client = ++this.#lastFd
    this.#relay.deliver(client, 0, 'tcp', this.#peer)
    return { client, remote: this.#lastFd }
  }

  /** Delivers bytes or the end to a socket, and runs one turn of the loop. */
  arrive(fd: number, byteCount: number | 'end'): void {
    this.#readable.set(fd, byteCount === 'end' ? 0 : byteCount)
    this.#poller.makeReady(fd, READABLE)
    this.#loop.turn(0)
  }

  /** Advances the clock without any event. */
  pass(ms: number): void {
    this.#clock.nowMs += ms
    this.#loop.turn(0)
  }

  #fakeCalls(): Calls {
    const counted =
      (answer: number | ((fd: number, ...rest: readonly never[]) => number)) =>
      (...given: [number, ...never[]]): number => {
        this.calls++
        return typeof answer === 'number' ? answer : answer(...given)
      }
    const recv = (fd: number) => {
      this.calls++
      const byteCount = this.#readable.get(fd)
      this.#readable.delete(fd)
      return byteCount ?? -EAGAIN
    }
    const send = (_fd: number, _from: Region, _offset: number, count: number) => {
      this.calls++
      return count
    }
    const ok = counted(0)
    return {
      recv,
      peek: ok,
      send,
      sendMore: send,
      splice: ok,
      openPipe: () => -EAGAIN,
      resizePipe: ok,
      socket: () => {
        this.calls++
        return ++this.#lastFd
      },
      connect: ok,
      getOption: ok,
      setOption: ok,
      setTextOption: ok,
      resetOnClose: ok,
      unsentBytes: ok,
      shutdownWrite: ok,
      close: ok,
      discard: () => 0,
      accept: ok,
      bind: ok,
      listen: ok,
      localAddress: () => {
        throw new Error('unexpected request for an address')
      },
      isLocalAddress: () => false,
      sctp: NO_SCTP,
    }
  }
}
