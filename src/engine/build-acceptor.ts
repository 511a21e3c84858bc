/** Composes the reactor of a master: listeners, placement, and the wires to children. */
import { AccessRules, clientKey, datagramKey, type Rejected } from '../accept/access-rules.js'
import type { BrokerParts, Delivery } from '../accept/broker-child.js'
import { BrokerPlaces } from '../accept/broker-places.js'
import { ConnectionLimit } from '../accept/connection-limit.js'
import { type DatagramContext, DatagramListener, DatagramMemory } from '../accept/datagram-listener.js'
import { Dispatcher, type DispatcherOptions } from '../accept/dispatcher.js'
import { type KeptListeners, splitListeners } from '../accept/kept-listeners.js'
import type { LimitRejections } from '../accept/limit-rejections.js'
import { type AcceptContext, Listener } from '../accept/listener.js'
import type { ListeningSocket } from '../accept/listening-socket.js'
import { PeerLimits } from '../accept/peer-limits.js'
import { StickyCache } from '../accept/sticky-cache.js'
import { type OpenedCells, openCells } from '../cells/cells.js'
import type { Fd } from '../kernel/calls.js'
import { datagramCalls } from '../kernel/datagrams.js'
import { mapPrivate } from '../kernel/memory.js'
import { MessageBatch, NO_DESCRIPTOR } from '../kernel/message-batch.js'
import { messageCalls } from '../kernel/message-calls.js'
import { peerCalls } from '../kernel/peer-credentials.js'
import type { Region } from '../kernel/region.js'
import { SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import type { System } from '../kernel/system.js'
import { COUNT, CounterTable, counterTables, LISTENER_COUNT } from '../observe/counters.js'
import { ACCESS, LOG, LogRingWriter } from '../observe/log-ring.js'
import { INFO } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import { Loop } from '../reactor/loop.js'
import type { Poller } from '../reactor/poller.js'
import { describeClient, describePeer } from '../relay/peer-name.js'
import { ProxyPeers } from '../relay/proxy-peers.js'
import { DATAGRAM_BYTES_MAX, UDPDATA_BYTES } from '../wire/child-message.js'
import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from './acceptor-settings.js'
import { type PeerRules, type Rejection, rejectionOf } from './admits-peer.js'
import { openLimits } from './build-limits.js'
import type { ListenerPlan, Plan } from './plan.js'
import { RejectedLines } from './rejected-lines.js'

/** Messages per system call. */
const BATCH = 64

/** Messages with datagrams per system call: fewer, because each takes more than a page of memory. */
const DATAGRAM_BATCH = 16

/** Children send 8 bytes; the buffer is larger to detect messages that are too long. */
const MESSAGE_BYTES_MAX = 64

const NONE_ENDED = new Float64Array()
/** Has no rows, so counting in it has no effect. */
const UNCOUNTED = new CounterTable(new Float64Array(), 0, [])

/** The accepting side of one configuration; a reload replaces it. */
interface Front extends PeerRules {
  readonly plan: Plan
  readonly connectionLimit: ConnectionLimit
  /** Undefined: there are none. */
  readonly limits: LimitRejections | undefined
  /** Cells with the counters of its listeners; undefined: they are not counted. */
  readonly cells: OpenedCells | undefined
  readonly listenerCounters: CounterTable
  /** By slot of the listener. */
  readonly caches: readonly (StickyCache | undefined)[]
  readonly listeners: Map<number, ListeningSocket>
}

/** The master's reactor: accepts clients, applies the access rules, and sends each client to a child. */
export class Acceptor {
  /** Owned by the thread's entry, which runs it. */
  readonly loop: Loop
  readonly #dispatcher: Dispatcher
  readonly #places = new BrokerPlaces()
  /**
   * Shared by the listeners of all configurations: what depends on the configuration is read from `#front`
   * each time.
   */
  readonly #accepting: AcceptContext & DatagramContext
  readonly #report: (report: AcceptorReport) => void
  readonly #peers = peerCalls()
  readonly #writeAccess: (rejected: Rejected) => void
  /** The configuration in force. */
  #front: Front
  /** From then on no command changes the configuration: `prepare` and `reload` are not answered. */
  #isDraining = false

  constructor(
    settings: AcceptorSettings,
    system: System,
    poller: Poller,
    report: (report: AcceptorReport) => void,
  ) {
    const { counters, ...ring } = openCells(settings.cells.fds, settings.cells.shape, 0).own
    const writer = new LogRingWriter({ counters, ...ring }, () => report({ kind: 'log' }))
    const log = (severity: number, text: string) => writer.write(LOG, severity, text)
    const rejected = new RejectedLines('master', system)
    this.#writeAccess = (client) => writer.write(ACCESS, INFO, rejected.lineOf(client))
    this.#report = report
    this.loop = new Loop(poller, system.clock)
    const front = () => this.#front
    this.#accepting = {
      system,
      loop: this.loop,
      deliver: (fd, slot, peer) => this.#deliver(fd, slot, peer, system),
      hasRoom: () => this.#front.connectionLimit.hasRoom(),
      onFull: () => this.#front.connectionLimit.onFull(),
      places: this.#places,
      onListenerFull: (listener) => this.#front.connectionLimit.onListenerFull(listener),
      counters,
      // A getter: a reload replaces the table.
      get listenerCounters() {
        return front().listenerCounters
      },
      log,
      peer: mapPrivate(SOCKADDR_BYTES_MAX),
      // This reactor accepts for all children, so no other process takes clients from the same backlogs.
      isSiblingNext: undefined,
      datagrams: datagramCalls(),
      memory: new DatagramMemory(),
      describePeer,
      // Limits are about streams.
      admits: (peer, slot) => this.#rejectionOf(NO_DESCRIPTOR, slot, peer) === undefined,
      // Sticky datagrams are keyed by both addresses: `datagramKey`.
      deliverDatagram: (fd, slot, peer, local, bytes) => {
        this.#handOn(fd, slot, this.#front.caches[slot] && datagramKey(peer.bytes, local.bytes), bytes)
      },
    }
    this.#front = this.#makeFront(settings)
    this.#dispatcher = new Dispatcher(
      brokerParts(system, this.loop, log),
      dispatcherOptions(settings.plan, this.#front.caches),
      {
        onWanted: (slot, fd, isFresh) => report({ kind: 'wanted', slot, fd, isFresh }),
        onSent: (slot, { limited }) => limited && this.#places.onSent(slot, limited),
        onDone: (slot) => this.#places.onDone(slot),
        onStarted: (slot) => report({ kind: 'started', slot }),
        onRoom: () => this.#onRoom(),
        onPrepared: (isOk) => report({ kind: 'prepared', isOk }),
        onBadConfiguration: (slot) => report({ kind: 'bad-configuration', slot }),
        onViolation: (slot, what) => report({ kind: 'violation', slot, what }),
      },
    )
  }

  /** Starts the minimum of children (`instances min`). */
  start(): void {
    this.#dispatcher.start()
    this.#countSessions()
  }

  handle(command: AcceptorCommand): void {
    switch (command.kind) {
      case 'ping':
        this.#report({ kind: 'pong' })
        return
      case 'listen':
        this.#listen(command.slot, command.fd)
        return
      case 'access':
        this.#front.accessRules.replace(command.access)
        return
      case 'gone':
        this.#places.onGone(command.slot)
        this.#dispatcher.removeChild(command.slot)
        this.#countSessions()
        this.#reportIdle()
        return
      case 'prepare':
        if (!this.#isDraining) this.#dispatcher.prepare(command.count)
        return
      case 'forget':
        this.#dispatcher.forgetPrepared()
        return
      case 'reload':
        if (!this.#isDraining) this.#reload(command.settings, command.kept)
        return
      case 'drain':
        this.#drain()
        return
      case 'cut':
        this.#dispatcher.cut()
        this.#reportIdle()
        return
      case 'stop':
        this.loop.stop()
        return
    }
  }

  #onRoom(): void {
    this.#countSessions()
    this.#front.connectionLimit.onRoom()
    this.#front.connectionLimit.onListenerRoom()
  }

  /** Publishes the load in the cells: the control thread reads it for the process title. */
  #countSessions(): void {
    const { counters } = this.#accepting
    const { servingPlaces, servingUsers, users } = this.#dispatcher
    counters[COUNT.sessionsNow] = users
    // Sessions of retiring children do not occupy places of serving ones.
    counters[COUNT.placesNow] = servingPlaces + users - servingUsers
  }

  #drain(): void {
    this.#isDraining = true
    this.#front.connectionLimit.stop(() => 'after-queue')
    this.#front.listeners.clear()
    this.#dispatcher.stop()
    this.#reportIdle()
  }

  #reportIdle(): void {
    if (this.#isDraining && this.#dispatcher.isIdle) this.#report({ kind: 'idle' })
  }

  #listen(slot: number, fd: Fd): void {
    const { connectionLimit, listeners, plan } = this.#front
    const { isUdp, name, queue, socket } = plan.listeners[slot] as ListenerPlan
    const listener = isUdp
      ? new DatagramListener(this.#accepting, slot, name, fd, socket)
      : new Listener(this.#accepting, slot, name, fd, queue)
    listeners.set(slot, listener)
    connectionLimit.add(listener)
  }

  /** Puts another configuration in force: kept listeners stay open, and clients go to its children from now on. */
  #reload(settings: AcceptorSettings, kept: KeptListeners): void {
    const { cells, connectionLimit, limits, listeners } = this.#front
    // First: clients in the backlogs of abandoned listeners still go to children of the old configuration.
    const { abandoned, staying } = splitListeners(listeners, kept)
    for (const listener of abandoned.values()) listener.close('after-queue')
    const fds = [...staying].map(([slot, listener]) => [slot, listener.detach()] as const)
    this.#front = this.#makeFront(settings)
    this.#front.connectionLimit.takeOver(connectionLimit)
    // Nothing counts in the old front any more: its listeners are closed or detached.
    cells?.unmap()
    limits?.close()
    this.#dispatcher.replaceAll(dispatcherOptions(settings.plan, this.#front.caches))
    for (const [slot, fd] of fds) this.#listen(slot, fd)
    this.#countSessions()
    this.#report({ kind: 'reloaded' })
  }

  #makeFront({ access, front, limits: memory, plan }: AcceptorSettings): Front {
    const { relay, workers } = plan
    const { counters, log, system } = this.#accepting
    const { loop } = this
    const writeAccess = relay.hasAccessLog ? this.#writeAccess : undefined
    // Clients of children of another program are not counted.
    const limits =
      front &&
      openLimits({ plan, memory, childSlot: front.childSlot, areJudged: true, loop, system, counters, log })
    // Called later: the constructor creates the dispatcher after the first front.
    const usersMax = () => this.#dispatcher.servingPlaces
    const cells = front && openCells(front.cells.fds, front.cells.shape, front.childSlot)
    this.#places.replace(plan.listeners, (slot) => cells?.listenersEndedOf(slot) ?? NONE_ENDED)
    return {
      plan,
      cells,
      listenerCounters: cells ? counterTables(cells.own, front.listenerSlots).listenerCounters : UNCOUNTED,
      connectionLimit: new ConnectionLimit(
        usersMax,
        () => this.#countUsers(),
        this.loop,
        log,
        workers.overload,
      ),
      accessRules: new AccessRules(
        {
          loop: this.loop,
          counters,
          log,
          describeClient,
          peers: this.#peers,
          peer: this.#accepting.peer,
          listeners: plan.listeners,
          wallMs: () => system.clock.wallMs(),
          writeAccess,
        },
        access,
      ),
      proxyPeers: new ProxyPeers(plan.listeners),
      limits,
      peerLimits: limits && new PeerLimits({ rejections: limits, loop, counters, writeAccess }),
      caches: stickyCaches(plan),
      listeners: new Map(),
    }
  }

  /** Infinity if no child has room: descriptors may limit children to fewer sessions than `users max`. */
  #countUsers(): number {
    return this.#dispatcher.hasRoom() ? this.#dispatcher.servingUsers : Number.POSITIVE_INFINITY
  }

  /** Owns `fd`: closes it, or passes it to the dispatcher. */
  #deliver(fd: Fd, listenerSlot: number, peer: Region, { calls }: System): void {
    const { caches } = this.#front
    const rejection = this.#rejectionOf(fd, listenerSlot, peer)
    if (rejection !== undefined) {
      if (rejection === 'rejected') calls.close(fd)
      this.#places.giveBack(listenerSlot)
    }
    // The key is a text: it is only built where a cache needs it.
    else this.#handOn(fd, listenerSlot, caches[listenerSlot] && this.#keyOf(listenerSlot, peer))
  }

  /** Undefined also for a peer that sends a PROXY header: its client is not known here. */
  #keyOf(listenerSlot: number, { bytes }: Region): string | undefined {
    return this.#front.proxyPeers.expects(listenerSlot, bytes) === 'nothing' ? clientKey(bytes) : undefined
  }

  /** Applies access rules and limits, which log a rejection; counts it for the listener. */
  #rejectionOf(fd: Fd, listenerSlot: number, peer: Region): Rejection | undefined {
    const { listenerCounters, plan } = this.#front
    const { name } = plan.listeners[listenerSlot] as ListenerPlan
    const rejection = rejectionOf(this.#front, fd, listenerSlot, peer, name)
    if (rejection !== undefined) listenerCounters.add(listenerSlot, LISTENER_COUNT[rejection], 1)
    return rejection
  }

  /** Sends a client to a child. `key`: its key in the sticky cache; undefined for clients without an address. */
  #handOn(fd: Fd, listenerSlot: number, key: string | undefined, datagram?: Uint8Array): void {
    const { caches, plan } = this.#front
    const { message } = plan.listeners[listenerSlot] as ListenerPlan
    const cache = caches[listenerSlot]
    const sticky = cache === undefined || key === undefined ? undefined : { cache, key }
    const delivery: Delivery = { fd, message, datagram, sticky, limited: this.#places.of(listenerSlot) }
    this.#dispatcher.deliver(delivery)
    this.#countSessions()
  }
}

/** By slot: listeners of one block share its cache; those without a cache of their own use the common one. */
function stickyCaches({ listeners, workers }: Plan): readonly (StickyCache | undefined)[] {
  const common = workers.sticky && new StickyCache(workers.sticky)
  const ofBlocks = new Map<number, StickyCache>()
  return listeners.map((listener) => {
    if (listener.sticky === undefined) return common
    const cache = ofBlocks.get(listener.block) ?? new StickyCache(listener.sticky)
    ofBlocks.set(listener.block, cache)
    return cache
  })
}

function dispatcherOptions(
  { workers }: Plan,
  caches: readonly (StickyCache | undefined)[],
): DispatcherOptions {
  // Each cache once: a child that ends is removed from all of them.
  const stickyCaches = [...new Set(caches)].filter((cache) => cache !== undefined)
  const { placement: limits, retireLimit, wireBufferBytes } = workers
  return { limits, retireLimit, wireBufferBytes, stickyCaches }
}

function brokerParts(system: System, loop: Loop, log: Say): Omit<BrokerParts, 'events'> {
  return {
    loop,
    calls: system.calls,
    messages: messageCalls(),
    log,
    outgoing: new MessageBatch(BATCH, MESSAGE_BYTES_MAX),
    outgoingDatagrams: new MessageBatch(DATAGRAM_BATCH, UDPDATA_BYTES + DATAGRAM_BYTES_MAX),
    incoming: new MessageBatch(BATCH, MESSAGE_BYTES_MAX),
  }
}
