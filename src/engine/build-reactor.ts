/** Composes the reactor of a relaying process, and executes the commands of its control thread. */
import { findPeer, prepareInherited } from '../accept/inherited.js'
import type { KeptListeners } from '../accept/kept-listeners.js'
import { WireEnd, type WireEndParts } from '../accept/wire-end.js'
import type { Fd } from '../kernel/calls.js'
import { Arena, mapPrivate } from '../kernel/memory.js'
import { messageCalls } from '../kernel/message-calls.js'
import { peerCalls } from '../kernel/peer-credentials.js'
import type { Region } from '../kernel/region.js'
import { SOCKADDR_BYTES_MAX } from '../kernel/sockaddr.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { System } from '../kernel/system.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { ERR } from '../observe/severity.js'
import { Loop, type TurnTaker } from '../reactor/loop.js'
import type { Poller } from '../reactor/poller.js'
import { answered } from '../relay/opening/asking.js'
import { HostLookups } from '../relay/opening/host-lookups.js'
import { Questions } from '../relay/opening/questions.js'
import { hostsFound } from '../relay/opening/resolving.js'
import { describeClient, describeListener } from '../relay/peer-name.js'
import type { HandedOver } from '../relay/relay.js'
import { Blocks } from '../relay/transfer/blocks.js'
import { Pipes } from '../relay/transfer/pipes.js'
import { FLAG_HAPROXY } from '../wire/child-message.js'
import { type GenerationContext, ReactorGeneration } from './build-generation.js'
import { handedOverSlot } from './handed-over-tls.js'
import type {
  Command,
  GenerationSettings,
  ReactorSettings,
  Report,
  WireEndSettings,
} from './reactor-settings.js'

/**
 * A reactor that accepts and relays: owns the loop and the generations of one thread, and executes commands. Calls
 * `report` on the reactor's thread. Read `build-generation.ts` next.
 */
export class Reactor {
  readonly loop: Loop
  /** Memory, pipes and questions, shared by all generations. */
  readonly #context: GenerationContext
  readonly #report: (report: Report) => void
  readonly #wireEndSettings: (WireEndSettings & Pick<ReactorSettings, 'sessionsMax'>) | undefined
  /** Other children accept from the same listeners: after `retired` these stay open until the master's `drain`. */
  readonly #sharesListeners: boolean
  /** Undefined without a master, and before `open-wire-end`. */
  #wireEnd: WireEnd | undefined
  /** The generation in force: it gets new clients. */
  #present: ReactorGeneration
  /** Prepared for a reload; undefined: no reload is in progress. */
  #next: ReactorGeneration | undefined
  /** Replaced generations that still have sessions, the oldest first. */
  #old: ReactorGeneration[] = []
  /** Closes old generations without sessions, in a later turn, when none of their methods is on the call stack. */
  readonly #leaving: TurnTaker = { isQueued: false, onTurn: () => this.#letGo() }
  /** Reports `idle` a turn later: while backlogs are accepted, the number of sessions may be 0 in between. */
  readonly #idling: TurnTaker = { isQueued: false, onTurn: () => this.#reportIdle() }
  /** No reload from then on, and `idle` after the last session. */
  #isDraining = false
  /** The master may still send clients. */
  #mayGetMore = false

  constructor(settings: ReactorSettings, system: System, poller: Poller, report: (report: Report) => void) {
    this.#report = report
    this.loop = new Loop(poller, system.clock)
    // Blocks are in shared memory, so that bytes in flight can survive a crash of this process.
    const arena = new Arena('tcprelay-blocks')
    this.#context = {
      system,
      loop: this.loop,
      blocks: new Blocks(system.calls, (byteLength) => mapMore(arena, byteLength)),
      pipes: new Pipes(system.calls, this.loop, settings.pipes),
      questions: new Questions(this.loop, (news) => report({ kind: 'questions', ...news })),
      lookups: new HostLookups(this.loop, (asked) => report({ kind: 'lookups', asked })),
      peer: mapPrivate(SOCKADDR_BYTES_MAX),
      peers: peerCalls(),
      countSessions: () => this.#countSessions(),
      onLog: () => report({ kind: 'log' }),
      isBehindMaster: settings.wireEnd !== undefined,
      limitsAreJudged: settings.wireEnd?.master !== 'foreign',
      onRoom: (generation) => this.#onRoom(generation),
      onListenerRoom: () => this.#present.onListenerRoom(),
      onRetired: (generation) => this.#onRetired(generation),
    }
    this.#present = new ReactorGeneration(settings, this.#context)
    const { sessionsMax, wakeupFd, wireEnd } = settings
    this.#sharesListeners = wakeupFd !== undefined
    this.#wireEndSettings = wireEnd && { ...wireEnd, sessionsMax }
  }

  handle(command: Command): void {
    switch (command.kind) {
      case 'ping':
        this.#report({ kind: 'pong' })
        return
      case 'listen':
        this.#present.listen(command.slot, command.fd, command.socketKind)
        return
      case 'open-wire-end':
        this.#openWireEnd()
        return
      case 'state':
        this.#find(command.childSlot)?.applyState(command.change)
        return
      case 'prepare':
        this.#prepare(command.settings)
        return
      case 'forget':
        this.#forget()
        return
      case 'reload':
        this.#reload(command.kept)
        return
      case 'answers':
        answered(this.#context.questions, command.answers)
        return
      case 'hosts':
        hostsFound(this.#context.lookups, command.replies, this.loop.nowMs)
        return
      case 'suspend':
        this.#present.suspend()
        this.#report({ kind: 'suspended' })
        return
      case 'drain':
        this.#drain(command.abandoned)
        return
      case 'cut':
        this.#cut(command.childSlot)
        return
      case 'stop':
        this.loop.stop()
        return
    }
  }

  /** By the slot of its rows in the cells; undefined: the generation in force. */
  #find(childSlot: number | undefined): ReactorGeneration | undefined {
    if (childSlot === undefined) return this.#present
    const all = [this.#present, this.#next, ...this.#old]
    return all.find((generation) => generation?.childSlot === childSlot)
  }

  /** Without enough descriptors or memory the reload fails, and the present generation stays in force. */
  #prepare(settings: GenerationSettings): void {
    let problem: string | undefined
    try {
      this.#next = new ReactorGeneration(settings, this.#context)
    } catch (error) {
      problem = error instanceof Error ? error.message : String(error)
    }
    // First: the control thread has reserved rows in the cells for it, which are free again.
    if (problem !== undefined) this.#report({ kind: 'gone', childSlot: settings.childSlot })
    this.#report({ kind: 'prepared', problem })
  }

  #forget(): void {
    if (this.#next === undefined) return
    // It has no sessions, so it is closed like an old one, in the next turn.
    this.#old.push(this.#next)
    this.#next = undefined
    this.loop.later(this.#leaving)
  }

  /** Puts the next generation in force. Kept listeners stay open. */
  #reload(kept: KeptListeners): void {
    const old = this.#present
    if (this.#next === undefined || this.#isDraining) return
    this.#present = this.#next
    this.#next = undefined
    // Before `takeOver`, which may accept backlogs: sessions of the old generation are counted all the time.
    this.#old.push(old)
    this.#present.takeOver(old, kept)
    this.loop.later(this.#leaving)
    this.#report({ kind: 'reloaded' })
  }

  #cut(childSlot: number | undefined): void {
    if (childSlot !== undefined) this.#find(childSlot)?.cut()
    else for (const generation of [this.#present, ...this.#old]) generation.cut()
  }

  /** Closes the old generations whose last session has ended. */
  #letGo(): void {
    const idle = this.#old.filter(({ openCount }) => openCount === 0)
    this.#old = this.#old.filter(({ openCount }) => openCount > 0)
    for (const generation of idle) {
      generation.close()
      this.#report({ kind: 'gone', childSlot: generation.childSlot })
    }
  }

  #countSessions(): number {
    // A loop without closures: called for every client. The next generation has no sessions yet.
    let count = this.#present.openCount
    for (let i = 0; i < this.#old.length; i++) count += (this.#old[i] as ReactorGeneration).openCount
    return count
  }

  #onRoom(generation: ReactorGeneration): void {
    // The master counts the sessions of this child; DONE frees a place there.
    this.#wireEnd?.countDone()
    this.#present.onRoom()
    if (generation !== this.#present && generation.openCount === 0) this.loop.later(this.#leaving)
    if (this.#isDraining) this.loop.later(this.#idling)
  }

  /** Ignored for an old generation, which may reach its limit by the backlog of a closed listener. */
  #onRetired(generation: ReactorGeneration): void {
    if (generation !== this.#present) return
    this.#report({ kind: 'retired' })
    if (this.#sharesListeners) this.#present.suspend()
    else this.#drain([])
  }

  /** Starts to receive clients from a master, which has applied the access rules. Such a reactor has one generation. */
  #openWireEnd(): void {
    const wireEnd = this.#wireEndSettings
    // Called by the command and by `drain`, whichever comes first.
    if (wireEnd === undefined || this.#wireEnd !== undefined) return
    const { loop, system } = this.#context
    const messages = messageCalls()
    const [peer, local] = [mapPrivate(SOCKADDR_BYTES_MAX), mapPrivate(SOCKADDR_BYTES_MAX)]
    const log = (severity: number, text: string) => this.#present.log(severity, text)
    // Two limits, so that one kind of message does not suppress the other.
    const unservedClients = new RateLimitedLog(ERR, log)
    const proxiedClients = new RateLimitedLog(ERR, log)
    const parts: WireEndParts = {
      loop,
      calls: system.calls,
      messages,
      log,
      answersDying: wireEnd.master === 'ours',
      onClient: (fd, { flags, listenerMark, protocol, realm, tlsVersions }) => {
        if (wireEnd.master === 'foreign') {
          const slot = handedOverSlot(flags, tlsVersions)
          if (!this.#present.servesHandedOver(slot)) {
            this.#sendAway(fd, unservedClients)
            return
          }
          const kind = prepareInherited(system.calls, messages, fd, protocol, peer)
          const listener = this.#present.notesPeers ? this.#listenerOf(fd, local) : ''
          const handed = { realm, listener }
          if ((flags & FLAG_HAPROXY) === 0) this.#present.deliver(fd, slot, kind, peer, handed)
          else this.#refuseProxied(fd, kind, peer, handed, proxiedClients)
          return
        }
        // Our own master sends the slot of its listener plus one.
        const slot = listenerMark - 1
        if (this.#present.notesPeers) findPeer(messages, fd, peer)
        this.#present.deliver(fd, slot, this.#present.kindOf(slot), peer)
      },
      onMayDie: () => {
        this.#mayGetMore = false
        this.#report({ kind: 'may-die' })
        this.#drain(undefined)
      },
      onLostClient: (listenerMark) => {
        this.#present.countUnserved(listenerMark - 1)
        log(ERR, 'a client was lost: no descriptor was left to take it')
      },
    }
    this.#wireEnd = new WireEnd(parts, wireEnd.fd)
    this.#mayGetMore = true
    this.#wireEnd.open(wireEnd.sessionsMax)
  }

  /** Resets a client whose TLS cannot be terminated here: its remote would receive ciphertext. */
  #sendAway(fd: Fd, rejections: RateLimitedLog): void {
    const { loop, system } = this.#context
    system.calls.resetOnClose(fd)
    system.calls.close(fd)
    this.#wireEnd?.countDone()
    const why = this.#present.hasTlsHandedOver
      ? 'the master requires a TLS version that is not enabled here'
      : 'the master requires TLS, and no certificate is configured here'
    rejections.log(loop.nowMs, () => `rejected a client: ${why}`)
  }

  /** The local address of the connection: the message of a classic master does not contain it. */
  #listenerOf(fd: Fd, local: Region): string {
    const byteLength = this.#context.system.calls.localAddress(fd, local)
    return byteLength < 0 ? '' : describeListener(local.bytes, byteLength)
  }

  /** Rejects a client with a PROXY header: the remote would receive the header as data of the client. */
  #refuseProxied(
    fd: Fd,
    kind: SocketKind,
    peer: Region,
    handed: HandedOver,
    rejections: RateLimitedLog,
  ): void {
    const why =
      'the master says that the client begins with a PROXY header, and no `proxy from` says whether it counts'
    const name = describeClient(peer.bytes)
    rejections.log(this.#context.loop.nowMs, () => `rejected ${name}: ${why}`)
    this.#present.refuse(fd, kind, peer, handed, 'proxy-header')
  }

  /** `abandoned`: listeners whose backlogs are accepted first; undefined: all of them. */
  #drain(abandoned: readonly number[] | undefined): void {
    // A classic master sends clients without waiting for MAX: those in flight are served.
    this.#openWireEnd()
    // A second `drain` may name other listeners, but DYING is sent once.
    const isNews = !this.#isDraining
    this.#isDraining = true
    if (isNews && this.#mayGetMore) this.#wireEnd?.sayDying()
    this.#present.stop((slot) => (abandoned?.includes(slot) === false ? 'now' : 'after-queue'))
    this.loop.later(this.#idling)
  }

  #reportIdle(): void {
    if (this.#countSessions() === 0 && !this.#mayGetMore) this.#report({ kind: 'idle' })
  }
}

/** Undefined without memory: a session ends with `shortage`, and the process continues. */
function mapMore(arena: Arena, byteLength: number): Region | undefined {
  try {
    return arena.mapMore(byteLength)
  } catch {
    return undefined
  }
}
