import type { BrokerParts, Delivery } from '../accept/broker.js'
import { Dispatcher } from '../accept/dispatcher.js'
import { clientKey, Doorkeeper } from '../accept/doorkeeper.js'
import { Gate } from '../accept/gate.js'
import { type AcceptContext, Listener } from '../accept/listener.js'
import { StickyCache } from '../accept/sticky-cache.js'
import { AccessList } from '../admission/access-list.js'
import { openCells } from '../cells/cells.js'
import type { Fd } from '../kernel/calls.js'
import { mapPrivate } from '../kernel/memory.js'
import { MessageBatch } from '../kernel/message-batch.js'
import { messageCalls } from '../kernel/message-calls.js'
import type { Region } from '../kernel/region.js'
import { SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import type { System } from '../kernel/system.js'
import { LOG, LogRingWriter } from '../observe/log-ring.js'
import type { Say } from '../observe/trace.js'
import { Loop } from '../reactor/loop.js'
import type { Poller } from '../reactor/poller.js'
import { describePeer } from '../relay/peer-name.js'
import type {
  AcceptorCommand,
  AcceptorListener,
  AcceptorReport,
  AcceptorSettings,
} from './acceptor-settings.js'

/** Messages that travel by one system call. */
const BATCH = 64

/** Children send 8 bytes; a longer message is recognised as foreign. */
const MESSAGE_BYTES_MAX = 64

/** The master's reactor: accepts, asks who may come in, and hands each client to a child. */
export class Acceptor {
  readonly loop: Loop
  readonly #settings: AcceptorSettings
  readonly #gate: Gate
  readonly #dispatcher: Dispatcher
  readonly #doorkeeper: Doorkeeper
  readonly #accepting: AcceptContext
  /** By listener. */
  readonly #caches: readonly (StickyCache | undefined)[]

  constructor(
    settings: AcceptorSettings,
    system: System,
    poller: Poller,
    report: (report: AcceptorReport) => void,
  ) {
    const { counters, ...ring } = openCells(settings.cells.fd, settings.cells.shape).child(settings.row)
    const writer = new LogRingWriter({ counters, ...ring }, () => report({ kind: 'log' }))
    const log = (severity: number, text: string) => writer.write(LOG, severity, text)
    this.#settings = settings
    this.loop = new Loop(poller, system.clock)
    this.#doorkeeper = new Doorkeeper(
      { loop: this.loop, counters, log, describePeer },
      new AccessList(settings.accessRules),
    )
    const common = settings.sticky && new StickyCache(settings.sticky)
    this.#caches = settings.listeners.map(({ sticky }) =>
      sticky === undefined ? common : new StickyCache(sticky),
    )
    const stickyCaches = [...new Set(this.#caches)].filter((cache) => cache !== undefined)
    const { limits, wireBufferBytes } = settings
    const options = { limits, wireBufferBytes, stickyCaches }
    this.#dispatcher = new Dispatcher(brokerParts(system, this.loop, log), options, {
      onWanted: (slot, fd) => report({ kind: 'wanted', slot, fd }),
      onRoom: () => this.#gate.onRoom(),
      onBadConfiguration: (slot) => report({ kind: 'bad-configuration', slot }),
    })
    const usersMax = limits.instancesMax * limits.usersMax
    this.#gate = new Gate(usersMax, () => this.#countUsers(), this.loop, log, settings.overload)
    this.#accepting = {
      system,
      loop: this.loop,
      deliver: (fd, slot, peer) => this.#deliver(fd, slot, peer, system),
      hasRoom: () => this.#gate.hasRoom(),
      onFull: () => this.#gate.onFull(),
      counters,
      log,
      peer: mapPrivate(SOCKADDR_BYTES_MAX),
    }
  }

  /** Starts the children that always run. */
  start(): void {
    this.#dispatcher.start()
  }

  handle(command: AcceptorCommand): void {
    switch (command.kind) {
      case 'listen': {
        const { name, queue } = this.#settings.listeners[command.slot] as AcceptorListener
        this.#gate.add(new Listener(this.#accepting, command.slot, name, command.fd, queue))
        return
      }
      case 'gone':
        this.#dispatcher.gone(command.slot)
        return
      case 'drain':
        this.#gate.stop('after-queue')
        this.#dispatcher.stop()
        return
      case 'stop':
        this.loop.stop()
        return
    }
  }

  /** Children may be full before the limit is reached, by their own descriptors. */
  #countUsers(): number {
    return this.#dispatcher.hasRoom() ? this.#dispatcher.users : Number.POSITIVE_INFINITY
  }

  #deliver(fd: Fd, listenerSlot: number, peer: Region, { calls }: System): void {
    const listener = this.#settings.listeners[listenerSlot]
    if (listener === undefined || !this.#doorkeeper.admits(peer)) {
      calls.close(fd)
      return
    }
    const cache = this.#caches[listenerSlot]
    const key = cache && clientKey(peer.bytes)
    const sticky = cache === undefined || key === undefined ? undefined : { cache, key }
    const delivery: Delivery = { fd, message: listener.message, sticky }
    this.#dispatcher.deliver(delivery)
  }
}

function brokerParts(system: System, loop: Loop, log: Say): Omit<BrokerParts, 'events'> {
  return {
    loop,
    calls: system.calls,
    messages: messageCalls(),
    log,
    outgoing: new MessageBatch(BATCH, MESSAGE_BYTES_MAX),
    incoming: new MessageBatch(BATCH, MESSAGE_BYTES_MAX),
  }
}
