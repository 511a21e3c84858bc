import { Doorkeeper } from '../accept/doorkeeper.js'
import { Gate } from '../accept/gate.js'
import { findPeer, isUnixAddress, prepareInherited } from '../accept/inherited.js'
import { Inlet, type InletParts } from '../accept/inlet.js'
import { type AcceptContext, Listener, type QueueLengths } from '../accept/listener.js'
import { Neighbours } from '../accept/neighbours.js'
import { AccessList } from '../admission/access-list.js'
import { LeastUse } from '../balance/policy.js'
import { Pool } from '../balance/pool.js'
import type { SocketAddress } from '../base/address.js'
import { type Cells, type ChildCells, openCells } from '../cells/cells.js'
import type { Fd } from '../kernel/calls.js'
import { Arena, mapPrivate } from '../kernel/memory.js'
import { messageCalls } from '../kernel/message-calls.js'
import type { Region } from '../kernel/region.js'
import { type NativeAddress, nativeAddress, SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import type { System } from '../kernel/system.js'
import { accessLine } from '../observe/access-line.js'
import { ACCESS, LOG, LogRingWriter } from '../observe/log-ring.js'
import { ERR, INFO } from '../observe/severity.js'
import { TraceChannel } from '../observe/trace.js'
import { Loop } from '../reactor/loop.js'
import type { Poller } from '../reactor/poller.js'
import { Blocks } from '../relay/blocks.js'
import type { RelayOptions } from '../relay/options.js'
import { describePeer } from '../relay/peer-name.js'
import { Pipes } from '../relay/pipes.js'
import { Relay, type RelayParts } from '../relay/relay.js'
import { NO_TLS } from '../relay/relay-tls.js'
import { Remotes } from '../relay/remotes.js'
import { Trouble } from '../relay/trouble.js'
import type { Command, InletSettings, ReactorSettings, Report } from './reactor-settings.js'

/**
 * A reactor that accepts and relays: the layers put together for one thread, and the commands it obeys. Reports
 * go out through `report`, which is called on the reactor's thread.
 */
export class Reactor {
  readonly loop: Loop
  readonly #relay: Relay
  readonly #gate: Gate
  readonly #pool: Pool
  readonly #remotes: Remotes
  readonly #accepting: AcceptContext
  readonly #listenerNames: readonly string[]
  readonly #listenerQueues: readonly QueueLengths[]
  readonly #doorkeeper: Doorkeeper
  readonly #unixListeners: boolean[] = []
  readonly #report: (report: Report) => void
  readonly #inlet: Inlet | undefined
  /** Undefined where nobody else takes clients from the same queues. */
  readonly #neighbours: Neighbours | undefined
  readonly #sessionsMax: number
  #isDraining = false
  /** Clients may still be on their way here from the master. */
  #mayGetMore = false

  constructor(settings: ReactorSettings, system: System, poller: Poller, report: (report: Report) => void) {
    const cells = openCells(settings.cells.fd, settings.cells.shape)
    const child = cells.child(settings.childSlot)
    const parts = relayParts(settings, system, new Loop(poller, system.clock), cells, child, report)
    this.#report = report
    this.loop = parts.loop
    this.#pool = parts.pool
    this.#remotes = parts.remotes
    this.#listenerNames = settings.listenerNames
    this.#relay = new Relay(parts, this.#relayEvents(), settings.childSlot)
    const { overload, sessionsMax } = settings
    const { bellFd } = settings
    const neighbours =
      bellFd === undefined
        ? undefined
        : new Neighbours({
            cells,
            slot: settings.childSlot,
            loop: this.loop,
            bellFd,
            onClientsLeft: () => this.#gate.onClientsLeft(),
          })
    this.#neighbours = neighbours
    this.#sessionsMax = sessionsMax
    this.#gate = new Gate(
      sessionsMax,
      () => this.#relay.openCount,
      this.loop,
      parts.log,
      overload,
      neighbours,
    )
    const { counters, log } = parts
    this.#doorkeeper = new Doorkeeper(
      { loop: this.loop, counters, log, describePeer },
      new AccessList(settings.accessTable),
    )
    this.#listenerQueues = settings.listenerQueues
    this.#accepting = {
      system,
      loop: this.loop,
      deliver: (fd, slot, peer) => this.#admit(fd, slot, peer, system),
      hasRoom: () => this.#gate.hasRoom(),
      onFull: () => this.#gate.onFull(),
      counters: child.counters,
      log: parts.log,
      peer: mapPrivate(SOCKADDR_BYTES_MAX),
      areOthersNext: neighbours && (() => neighbours.areLessUsed()),
    }
    this.#inlet = settings.inlet && this.#openInlet(settings.inlet, settings.sessionsMax, parts)
  }

  handle(command: Command): void {
    switch (command.kind) {
      case 'ping':
        this.#report({ kind: 'pong' })
        return
      case 'listen':
        this.#listen(command.slot, command.fd, command.isUnix)
        return
      case 'addresses':
        this.#setAddresses(command.remoteSlot, command.addresses)
        return
      case 'drain':
        this.#drain(command.abandoned)
        return
      case 'cut':
        this.#relay.cutAll('shutdown')
        return
      case 'stop':
        this.loop.stop()
        return
    }
  }

  #relayEvents() {
    return {
      onRoom: () => {
        this.#inlet?.countDone()
        this.#gate.onRoom()
        this.#reportIdle()
      },
      onRetired: () => {
        this.#report({ kind: 'retired' })
        this.#drain([])
      },
    }
  }

  /** Clients come from a master: it has accepted them and asked who they are. */
  #openInlet(inlet: InletSettings, sessionsMax: number, { log, options, system }: RelayParts): Inlet {
    const messages = messageCalls()
    const peer = mapPrivate(SOCKADDR_BYTES_MAX)
    const parts: InletParts = {
      loop: this.loop,
      calls: system.calls,
      messages,
      log,
      answersDying: inlet.master === 'ours',
      onClient: (fd, { listenerMark }) => {
        if (inlet.master === 'foreign') {
          prepareInherited(messages, fd, peer)
          this.#relay.deliver(fd, 0, isUnixAddress(peer), peer)
          return
        }
        const slot = listenerMark - 1
        if (options.notesPeers) findPeer(messages, fd, peer)
        this.#relay.deliver(fd, slot, inlet.unixListeners[slot] === true, peer)
      },
      onMayDie: () => {
        this.#mayGetMore = false
        this.#report({ kind: 'may-die' })
        this.#drain(undefined)
      },
      onLostClient: () => log(ERR, 'a client was lost: no descriptor was left to take it'),
    }
    const opened = new Inlet(parts, inlet.fd)
    this.#mayGetMore = true
    opened.open(sessionsMax)
    return opened
  }

  #admit(fd: Fd, slot: number, peer: Region, { calls }: System): void {
    if (this.#doorkeeper.admits(peer)) {
      this.#relay.deliver(fd, slot, this.#unixListeners[slot] === true, peer)
    } else {
      calls.close(fd)
    }
  }

  #listen(slot: number, fd: number, isUnix: boolean): void {
    this.#unixListeners[slot] = isUnix
    if (!this.#isDraining) this.#neighbours?.enter(this.#sessionsMax)
    const name = this.#listenerNames[slot] ?? ''
    this.#gate.add(new Listener(this.#accepting, slot, name, fd, this.#listenerQueues[slot]))
  }

  #setAddresses(remoteSlot: number, addresses: readonly SocketAddress[]): void {
    const remote = this.#remotes.at(remoteSlot)
    const wasReachable = remote.addresses.length > 0
    remote.replaceAddresses(addresses)
    const isReachable = addresses.length > 0
    if (isReachable !== wasReachable) this.#pool.setReachable(remoteSlot, isReachable)
  }

  /** `abandoned`: listeners whose queues are emptied first; undefined for all. */
  #drain(abandoned: readonly number[] | undefined): void {
    const isNews = !this.#isDraining
    this.#isDraining = true
    if (isNews && this.#mayGetMore) this.#inlet?.sayDying()
    this.#gate.stop((slot) => (abandoned?.includes(slot) === false ? 'now' : 'after-queue'))
    this.#neighbours?.leave()
    this.#reportIdle()
  }

  #reportIdle(): void {
    const isIdle = this.#relay.openCount === 0 && !this.#mayGetMore
    if (this.#isDraining && isIdle) this.#report({ kind: 'idle' })
  }
}

function relayParts(
  settings: ReactorSettings,
  system: System,
  loop: Loop,
  cells: Cells,
  child: ChildCells,
  report: (report: Report) => void,
): RelayParts {
  const ring = new LogRingWriter(child, () => report({ kind: 'log' }))
  const log = (severity: number, text: string) => ring.write(LOG, severity, text)
  // Blocks lie in shared memory, so that bytes under way can outlive a crash of this process.
  const arena = new Arena('tcprelay-blocks')
  return {
    system,
    loop,
    blocks: new Blocks(system.calls, (byteLength) => mapMore(arena, byteLength)),
    pipes: new Pipes(system.calls, loop, settings.pipes),
    remotes: new Remotes(settings.remotes, cells, child),
    pool: buildPool(settings, cells, child),
    options: relayOptions(settings),
    tls: NO_TLS,
    counters: child.counters,
    log,
    trouble: new Trouble(log),
    trace: new TraceChannel('NET', settings.traceMask, log),
    listenerNames: settings.listenerNames,
    writeAccess: (record) => ring.write(ACCESS, INFO, accessLine(record)),
  }
}

/** Without memory one session ends, not the process. */
function mapMore(arena: Arena, byteLength: number): Region | undefined {
  try {
    return arena.mapMore(byteLength)
  } catch {
    return undefined
  }
}

function buildPool(settings: ReactorSettings, cells: Cells, child: ChildCells): Pool {
  const pool = new Pool({
    weights: settings.remotes.map(({ weight }) => weight),
    use: cells.use,
    retryAtMs: child.retryAtMs,
    policy: new LeastUse(settings.remotes.length),
    rebalance: settings.rebalance,
  })
  for (const [slot, { addresses }] of settings.remotes.entries())
    pool.setReachable(slot, addresses.length > 0)
  return pool
}

function relayOptions({ relay }: ReactorSettings): RelayOptions {
  const local: NativeAddress | undefined =
    relay.localAddress === undefined ? undefined : nativeAddress(relay.localAddress)
  return { ...relay, localAddress: local }
}
