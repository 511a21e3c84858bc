/** Composes one generation on a reactor: listeners, pools, remotes and the relay between them. */
import { AccessRules } from '../accept/access-rules.js'
import { type Closing, ConnectionLimit } from '../accept/connection-limit.js'
import { type KeptListeners, splitListeners } from '../accept/kept-listeners.js'
import type { LimitRejections } from '../accept/limit-rejections.js'
import { type AcceptContext, Listener } from '../accept/listener.js'
import type { ListenerPlaces } from '../accept/listener-places.js'
import { PeerLimits } from '../accept/peer-limits.js'
import { ReportedEnds } from '../accept/reported-ends.js'
import { SharedListenerPlaces } from '../accept/shared-listener-places.js'
import { SiblingLoad } from '../accept/sibling-load.js'
import { NONE } from '../balance/policy.js'
import { type OpenedCells, openCells } from '../cells/cells.js'
import type { Fd } from '../kernel/calls.js'
import type { PeerCalls } from '../kernel/peer-credentials.js'
import type { Region } from '../kernel/region.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import { LISTENER_COUNT } from '../observe/counters.js'
import type { Loop } from '../reactor/loop.js'
import { describeClient } from '../relay/peer-name.js'
import type { EndReason } from '../relay/phases.js'
import { ProxyPeers } from '../relay/proxy-peers.js'
import { type HandedOver, Relay } from '../relay/relay.js'
import { type PeerRules, rejectionOf } from './admits-peer.js'
import { openLimits } from './build-limits.js'
import { type HandedOverSlot, PLAIN } from './handed-over-tls.js'
import { type AdminStateSince, changesOf, type StateChange } from './live-state.js'
import type { GenerationSettings } from './reactor-settings.js'
import { type GenerationParts, type RelayResources, relayParts } from './relay-parts.js'
import { openSessionWatch, type SessionWatch } from './session-watch.js'
import { Shedder } from './shedder.js'

/** Shared by the generations of one reactor. */
export interface GenerationContext extends RelayResources {
  /** Buffer for the address that accept(2) returns. */
  readonly peer: Region
  readonly peers: PeerCalls
  /** Sessions of all generations, because the limit of descriptors is that of the process. */
  countSessions(): number
  /** A master has accepted the clients. */
  readonly isBehindMaster: boolean
  /** As in `ClientLimits` (`relay/context.ts`). */
  readonly limitsAreJudged: boolean
  /** A session has ended. */
  onRoom(of: ReactorGeneration): void
  /** It was the session of a listener that was full. */
  onListenerRoom(): void
  /** Its `retire` limit is reached. */
  onRetired(of: ReactorGeneration): void
}

/** One configuration on a reactor: its listeners, its access rules, and the sessions that it has accepted. */
export class ReactorGeneration {
  /** Slot of its rows in the cells, by which commands identify it. */
  readonly childSlot: number
  /** Whether sessions store the address or the credentials of their client. */
  readonly notesPeers: boolean
  readonly #relay: Relay
  readonly #parts: GenerationParts
  readonly #cells: OpenedCells
  readonly #connectionLimit: ConnectionLimit
  readonly #listenerPlaces: ListenerPlaces
  /** Undefined: sessions end by themselves. */
  readonly #sessionWatch: SessionWatch | undefined
  /** Undefined: no pool sheds sessions. */
  readonly #shedder: Shedder | undefined
  readonly #accessRules: AccessRules
  /** Undefined: there are none. */
  readonly #limits: LimitRejections | undefined
  readonly #peerRules: PeerRules
  readonly #peers: PeerCalls
  readonly #accepting: AcceptContext
  readonly #settings: GenerationSettings
  readonly #listeners = new Map<number, Listener>()
  /** By slot; `listen` replaces the planned kind by that of the bound socket. */
  readonly #listenerKinds: SocketKind[]
  /** Undefined unless other children accept from the same listeners. */
  readonly #siblingLoad: SiblingLoad | undefined
  /**
   * False after `suspend` and `stop`: a listener that is added later does not announce capacity to siblings.
   */
  #takesClients = true

  constructor(settings: GenerationSettings, context: GenerationContext) {
    const { childSlot, plan, sessionsMax } = settings
    const { overload } = plan.workers
    const { countSessions, loop, peer, peers, system } = context
    this.#peers = peers
    this.childSlot = childSlot
    this.notesPeers = plan.relay.notesPeers
    this.#settings = settings
    this.#listenerKinds = plan.listeners.map(({ kind }) => kind)
    this.#cells = openCells(settings.cells.fds, settings.cells.shape, childSlot)
    const parts = relayParts(settings, context, this.#cells)
    const { counters, listenerCounters, log, writeRejected: writeAccess } = parts
    this.#parts = parts
    this.#listenerPlaces = context.isBehindMaster
      ? new ReportedEnds(plan.listeners, this.#cells, childSlot)
      : new SharedListenerPlaces(plan.listeners, this.#cells)
    const events = {
      onRoom: (slot: number) => this.#onEnd(slot, context),
      onRetired: () => context.onRetired(this),
    }
    this.#accessRules = new AccessRules(
      {
        loop,
        counters,
        log,
        describeClient,
        peers,
        peer,
        listeners: plan.listeners,
        wallMs: () => system.clock.wallMs(),
        writeAccess,
      },
      plan.access,
    )
    this.#limits = this.#openLimits(context)
    this.#peerRules = this.#peerRulesOf(context)
    const clientRules = this.#accessRules
    this.#relay = new Relay({ ...parts, clientRules, limits: this.#limits }, events, childSlot)
    this.#sessionWatch = openSessionWatch(plan.pools, parts.pools.all, this.#relay, loop)
    const shedding = parts.pools.all.flatMap(({ pool }, index) => {
      const shed = plan.pools[index]?.shed
      return shed === undefined ? [] : [{ pool, plan: shed }]
    })
    this.#shedder = shedding.length === 0 ? undefined : new Shedder(shedding, this.#relay, loop)
    // A local constant, so that the closure below needs no check for undefined.
    const siblingLoad = this.#openSiblingLoad(loop)
    this.#siblingLoad = siblingLoad
    this.#connectionLimit = new ConnectionLimit(
      () => sessionsMax,
      countSessions,
      loop,
      log,
      overload,
      siblingLoad,
    )
    this.#accepting = {
      system,
      loop,
      deliver: (fd, slot, client) => this.#admit(fd, slot, client),
      hasRoom: () => this.#connectionLimit.hasRoom(),
      onFull: () => this.#connectionLimit.onFull(),
      places: this.#listenerPlaces,
      onListenerFull: (listener) => this.#connectionLimit.onListenerFull(listener),
      counters,
      listenerCounters,
      log,
      peer,
      isSiblingNext: siblingLoad && (() => siblingLoad.isOneLessUsed()),
    }
    // Live state from before the start is applied like later changes of it.
    for (const change of changesOf(settings.live)) this.applyState(change)
  }

  get openCount(): number {
    return this.#relay.openCount
  }

  log(severity: number, text: string): void {
    this.#parts.log(severity, text)
  }

  /** Owns `fd` from now on. `kind`: that of the bound socket. */
  listen(slot: number, fd: Fd, kind: SocketKind): void {
    this.#listenerKinds[slot] = kind
    const { plan, sessionsMax } = this.#settings
    if (this.#takesClients) this.#siblingLoad?.enter(sessionsMax)
    const { name = '', queue } = plan.listeners[slot] ?? {}
    const listener = new Listener(this.#accepting, slot, name, fd, queue)
    this.#listeners.set(slot, listener)
    this.#connectionLimit.add(listener)
  }

  /**
   * Takes over kept listeners with their backlogs; the others are closed when their backlogs are empty. The health of
   * kept remotes is copied; what policies remember of them is in the cells.
   */
  takeOver(old: ReactorGeneration, kept: KeptListeners): void {
    this.#learnFrom(old)
    this.#connectionLimit.takeOver(old.#connectionLimit)
    const { abandoned, staying } = splitListeners(old.#listeners, kept)
    for (const listener of abandoned.values()) listener.close('after-queue')
    // The kind is that of the old socket: the new plan only has the configured one.
    for (const [slot, listener] of staying) this.listen(slot, listener.detach(), old.kindOf(listener.slot))
    old.#listeners.clear()
  }

  #learnFrom(old: ReactorGeneration): void {
    const { health, remotes } = this.#parts
    const before = old.#parts
    // By slot here, the slot there of the same remote, or NONE.
    const slots = remotes.slotsIn(before.remotes)
    health.continueFrom(before.health, slots)
    for (const [slot, there] of slots.entries()) {
      if (there !== NONE) remotes.at(slot).learnFrom(before.remotes.at(there))
    }
  }

  /** Whether clients of a classic master with these TLS parameters can be served. */
  servesHandedOver(slot: HandedOverSlot): boolean {
    return slot === PLAIN || this.#parts.tls.greetings[slot] !== undefined
  }

  /** Whether a certificate is configured for clients of a classic master. */
  get hasTlsHandedOver(): boolean {
    return this.#settings.plan.tls.handedOver.withKeys !== undefined
  }

  /** Starts the session of a client that access rules have admitted, here or in the master. */
  deliver(fd: Fd, listenerSlot: number, kind: SocketKind, peer: Region, handed?: HandedOver): void {
    if (kind === 'unix' && this.notesPeers) this.#peers.findCredentials(fd, peer)
    this.#relay.deliver(fd, listenerSlot, kind, peer, handed)
  }

  /** Resets a client that cannot be served, with a line in the access log. */
  refuse(fd: Fd, kind: SocketKind, peer: Region, handed: HandedOver, reason: EndReason): void {
    if (kind === 'unix' && this.notesPeers) this.#peers.findCredentials(fd, peer)
    this.#relay.refuse(fd, kind, peer, handed, reason)
  }

  /** Applies a change of the live state; only the head makes changes. */
  applyState(change: StateChange): void {
    const { health, pools, remotes, tls } = this.#parts
    switch (change.what) {
      case 'members':
        this.#parts.members.apply(change)
        return
      case 'addresses': {
        const remote = remotes.at(change.remoteSlot)
        // Only a change is passed on, because `setReachable` ends the back-off of the remote.
        const wasReachable = remote.addresses.length > 0
        remote.replaceAddresses(change.addresses)
        const isReachable = change.addresses.length > 0
        if (isReachable !== wasReachable) health.setReachable(change.remoteSlot, isReachable)
        return
      }
      case 'weight':
        pools.ofRemote(change.remoteSlot)?.pool.setWeight(change.remoteSlot, change.weight)
        return
      case 'admin-state':
        this.#setAdminState(change.remoteSlot, change)
        return
      case 'ticket-keys':
        tls.setTicketKeys(change.keys)
        return
      case 'staple':
        tls.setStaple(change.id, change.staple)
        return
      case 'access':
        this.#accessRules.replace(change.access)
        return
    }
  }

  /** A session has ended, in this generation or another one: accepting may resume. */
  onRoom(): void {
    this.#connectionLimit.onRoom()
  }

  /** A session of a listener that was full has ended, in this generation or another one. */
  onListenerRoom(): void {
    this.#connectionLimit.onListenerRoom()
  }

  /** A client that the master has sent could not be received. */
  countUnserved(listenerSlot: number): void {
    this.#listenerPlaces.giveBack(listenerSlot)
  }

  /** Stops accepting, but leaves its listeners open until `stop`. */
  suspend(): void {
    this.#takesClients = false
    this.#connectionLimit.suspend()
    this.#siblingLoad?.leave()
  }

  /** Stops accepting and closes its listeners. */
  stop(closingOf: (slot: number) => Closing): void {
    this.#takesClients = false
    this.#connectionLimit.stop(closingOf)
    this.#listeners.clear()
    this.#siblingLoad?.leave()
  }

  /** Resets the remaining sessions. */
  cut(): void {
    this.#relay.cutAll('shutdown')
  }

  /** Frees its memory. Requires that no session, no listener and no method of it on the call stack is left. */
  close(): void {
    const { pools, remotes, tls } = this.#parts
    this.#sessionWatch?.close()
    this.#shedder?.close()
    tls.close()
    remotes.close()
    pools.close()
    this.#limits?.close()
    this.#cells.unmap()
  }

  /** The kind of a listener's sockets. */
  kindOf(slot: number): SocketKind {
    return this.#listenerKinds[slot] ?? 'tcp'
  }

  #openLimits({ limitsAreJudged: areJudged, loop, system }: GenerationContext): LimitRejections | undefined {
    const { childSlot, limits: memory, plan } = this.#settings
    const { counters, log } = this.#parts
    return openLimits({ plan, memory, childSlot, areJudged, loop, system, counters, log })
  }

  #peerRulesOf({ loop }: GenerationContext): PeerRules {
    const { counters, writeRejected: writeAccess } = this.#parts
    const rejections = this.#limits
    return {
      accessRules: this.#accessRules,
      proxyPeers: new ProxyPeers(this.#settings.plan.listeners),
      peerLimits: rejections && new PeerLimits({ rejections, loop, counters, writeAccess }),
    }
  }

  #openSiblingLoad(loop: Loop): SiblingLoad | undefined {
    const { wakeupFd, childSlot } = this.#settings
    if (wakeupFd === undefined) return undefined
    // The limit is created after this object, so it is looked up when it is called.
    const onClientsLeft = () => this.#connectionLimit.onClientsLeft()
    return new SiblingLoad({ cells: this.#cells, slot: childSlot, loop, wakeupFd, onClientsLeft })
  }

  #setAdminState(remoteSlot: number, { sinceMs, state }: AdminStateSince): void {
    const { health, pools } = this.#parts
    const pool = this.#settings.plan.pools[pools.ofRemote(remoteSlot)?.index ?? -1]
    health.setAdminState(remoteSlot, state, sinceMs + (pool?.drainDeadlineMs ?? Number.POSITIVE_INFINITY))
  }

  #onEnd(listenerSlot: number, context: GenerationContext): void {
    const wasFull = this.#listenerPlaces.giveBack(listenerSlot)
    context.onRoom(this)
    if (wasFull) context.onListenerRoom()
  }

  #admit(fd: Fd, slot: number, peer: Region): void {
    const listener = this.#settings.plan.listeners[slot]?.name ?? ''
    const rejection = rejectionOf(this.#peerRules, fd, slot, peer, listener)
    if (rejection === undefined) {
      this.deliver(fd, slot, this.kindOf(slot), peer)
      return
    }
    this.#parts.listenerCounters.add(slot, LISTENER_COUNT[rejection], 1)
    if (rejection === 'rejected') this.#parts.system.calls.close(fd)
    if (this.#listenerPlaces.giveBack(slot)) this.#connectionLimit.onListenerRoom()
  }
}
