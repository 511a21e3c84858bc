/** A complete reactor with a client and a server on one thread, for deterministic measurements. */

import type { PollMechanism } from '../../src/base/poll-mechanism.js'
import { type ChildCells, createCells } from '../../src/cells/cells.js'
import { NO_LIMITS } from '../../src/cells/limit-memory.js'
import { Reactor } from '../../src/engine/build-reactor.js'
import { NO_LIVE_STATE } from '../../src/engine/live-state.js'
import type { ReactorSettings } from '../../src/engine/reactor-settings.js'
import type { ListenerTlsSettings } from '../../src/engine/tls-settings.js'
import type { Fd } from '../../src/kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../../src/kernel/constants.js'
import { EAGAIN } from '../../src/kernel/errno.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { decodeAddress, SOCKADDR_BYTES_MAX } from '../../src/kernel/sockaddr.js'
import type { System } from '../../src/kernel/system.js'
import { COUNT } from '../../src/observe/counters.js'
import { openPoller } from '../../src/reactor/open-poller.js'
import { FOR_EVER_MS } from '../../src/reactor/timers.js'
import type { Detection } from '../../src/relay/detection.js'
import { listenerPlan, planOf, remotePlan } from './plans.js'
import { calls, done, listenOnLoopback } from './sockets.js'

const REQUEST_BYTES = 100
const REPLY_BYTES = 150

/** Maximum turns of the loop per step; one or two are needed. */
const TURNS_MAX = 1_000

/** Wait per turn for an event that is due; after TURNS_MAX of them, ten seconds, the test fails. */
const SHORT_WAIT_MS = 10

/** sizeof(struct sockaddr_in). */
const ADDRESS_BYTES = 16

export interface WholeRelayOptions {
  readonly system?: System
  readonly hasAccessLog?: boolean
  /** @default epoll */
  readonly mechanism?: PollMechanism
  /** The first bytes of a client. @default none */
  readonly listenerTls?: ListenerTlsSettings
  /** @default none */
  readonly detection?: Detection
  /** The first 100 bytes are sent. @default zeros */
  readonly request?: Uint8Array
}

/**
 * The reactor of a single process on real sockets, with its client and its server, all on this thread. They
 * alternate, so every run is identical. The fixture allocates nothing per request.
 */
export class WholeRelay {
  readonly reactor: Reactor
  readonly #cells: ChildCells
  readonly #scratch = mapPrivate(64 * 1024)
  readonly #peer = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #relayAt = mapPrivate(SOCKADDR_BYTES_MAX)
  readonly #server: Fd
  #client: Fd = -1
  #accepted: Fd = -1

  constructor({
    system = linuxSystem(),
    hasAccessLog = false,
    mechanism = 'epoll',
    listenerTls = { mode: 'off' },
    detection,
    request,
  }: WholeRelayOptions = {}) {
    if (request !== undefined) this.#scratch.bytes.set(request)
    const serverAt = mapPrivate(SOCKADDR_BYTES_MAX)
    this.#server = listenOnLoopback(serverAt)
    const shape = { children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: 64 * 1024 }
    const { cells, fdsOf } = createCells(shape)
    this.#cells = cells.child(0)
    const plan = planOf({
      listeners: [listenerPlan('listener', { tls: listenerTls, detection })],
      remotes: [remotePlan('remote', [decodeAddress(serverAt.bytes)])],
      relay: { hasAccessLog, notesPeers: hasAccessLog },
      sessions: { dialRetries: 0, idleTimeoutMs: 60_000 },
    })
    const settings: ReactorSettings = {
      plan,
      live: NO_LIVE_STATE,
      cells: { fds: fdsOf(0), shape },
      sticky: [],
      limits: NO_LIMITS,
      childSlot: 0,
      sessionsMax: 100,
      wakeupFd: undefined,
      traceMask: 0,
      wireEnd: undefined,
      pipes: { pipesMax: 0, pipeBytes: 0 },
    }
    this.reactor = new Reactor(settings, system, openPoller(mechanism), () => {})
    const listener = listenOnLoopback(this.#relayAt)
    this.reactor.handle({ kind: 'listen', slot: 0, fd: listener, socketKind: 'tcp' })
  }

  /** Connects a client through the relay to the server. */
  connect(): void {
    this.#callRelay()
    this.#meetServer()
  }

  /** Connects a client that sends a request and its end together, after the relay has started to wait for it. */
  connectAndEnd(): void {
    this.#callRelay()
    while (!this.#hasSession()) this.#turn()
    this.#turn()
    calls.send(this.#client, this.#scratch, 0, REQUEST_BYTES)
    calls.shutdownWrite(this.#client)
    this.#meetServer()
  }

  /** Connects a client whose request arrives in two parts; the server receives it. */
  connectInParts(aheadBytes: number): void {
    this.#callRelay()
    while (!this.#hasSession()) this.#turn()
    calls.send(this.#client, this.#scratch, 0, aheadBytes)
    this.#turn()
    calls.send(this.#client, this.#scratch, aheadBytes, REQUEST_BYTES - aheadBytes)
    this.#meetServer()
    this.#receive(this.#accepted, REQUEST_BYTES, SHORT_WAIT_MS)
  }

  /** The server receives the request, then the end. */
  serveEnded(): void {
    this.#receive(this.#accepted, REQUEST_BYTES, SHORT_WAIT_MS)
    this.#receive(this.#accepted, 0, SHORT_WAIT_MS)
  }

  #callRelay(): void {
    this.#client = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    calls.connect(this.#client, this.#relayAt, ADDRESS_BYTES)
  }

  #meetServer(): void {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      this.#turn()
      this.#accepted = calls.accept(this.#server, this.#peer)
      if (this.#accepted >= 0) return
    }
    throw new Error(`no connection to the server: errno ${-this.#accepted}`)
  }

  /** A request to the server and a reply to the client: two events. */
  exchange(): void {
    this.#carry(this.#client, this.#accepted, REQUEST_BYTES)
    this.#carry(this.#accepted, this.#client, REPLY_BYTES)
  }

  /** The server disconnects, then the client. */
  disconnect(): void {
    calls.close(this.#accepted)
    this.#receive(this.#client, 0)
    calls.close(this.#client)
    while (this.#hasSession()) this.#turn()
    this.#forgetLines()
  }

  #hasSession(): boolean {
    return this.#cells.counters[COUNT.sessionsNow] !== 0
  }

  #turn(): void {
    this.reactor.loop.turn(FOR_EVER_MS)
  }

  #carry(from: Fd, to: Fd, byteCount: number): void {
    const sent = calls.send(from, this.#scratch, 0, byteCount)
    if (sent !== byteCount) throw new Error(`sent ${sent} of ${byteCount} bytes`)
    this.#receive(to, byteCount)
  }

  #receive(fd: Fd, byteCount: number, waitMs = FOR_EVER_MS): void {
    for (let turns = 0; turns < TURNS_MAX; turns++) {
      this.reactor.loop.turn(waitMs)
      const got = calls.recv(fd, this.#scratch, 0, 64 * 1024)
      if (got === byteCount) return
      if (got !== -EAGAIN) throw new Error(`received ${got} instead of ${byteCount} bytes`)
    }
    throw new Error('nothing arrives')
  }

  /** Drains the log ring, as the head does. */
  #forgetLines(): void {
    const { ringHead } = this.#cells
    Atomics.store(ringHead, 1, Atomics.load(ringHead, 0))
  }
}
