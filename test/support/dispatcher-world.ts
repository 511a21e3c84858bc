/** A dispatcher with children whose ends of the wire are controlled by the test. */
import assert from 'node:assert/strict'
import type { Delivery } from '../../src/accept/broker-child.js'
import { Dispatcher, type DispatcherOptions } from '../../src/accept/dispatcher.js'
import type { PlacementLimits } from '../../src/accept/placement.js'
import { StickyCache } from '../../src/accept/sticky-cache.js'
import type { Calls, Fd } from '../../src/kernel/calls.js'
import { AF_INET, SOCK_STREAM } from '../../src/kernel/constants.js'
import { MessageBatch } from '../../src/kernel/message-batch.js'
import type { MessageCalls } from '../../src/kernel/message-calls.js'
import { openEpoll } from '../../src/reactor/epoll.js'
import { Loop } from '../../src/reactor/loop.js'
import { ACCEPT, MAX, MAY_DIE } from '../../src/wire/child-message.js'
import { FakeClock } from './fake-poller.js'
import { calls, closeAll, done } from './sockets.js'
import { messages, plainAccept, WirePeer } from './wire-peer.js'

const LIMITS: PlacementLimits = { instancesMin: 1, instancesMax: 3, usersMin: 2, usersMax: 4 }

/** Uses real sockets; the test plays the children. */
export class DispatcherWorld {
  readonly clock = new FakeClock()
  readonly poller = openEpoll()
  readonly loop = new Loop(this.poller, this.clock)
  readonly lines: string[] = []
  readonly children = new Map<number, WirePeer>()
  readonly wanted: number[] = []
  readonly badConfigurations: number[] = []
  readonly violations: string[] = []
  readonly prepared: boolean[] = []
  readonly cache = new StickyCache({ periodMs: 1_000, size: 10 })
  readonly dispatcher: Dispatcher
  readonly started: number[] = []
  rooms = 0
  /** Clients of which this process still holds the descriptor. */
  readonly held = new Set<Fd>()

  constructor(
    limits: Partial<PlacementLimits> = {},
    overriding: Partial<MessageCalls> = {},
    retireLimit = 0,
  ) {
    const counting: Calls = { ...calls, close: (fd) => this.#close(fd) }
    this.dispatcher = new Dispatcher(
      {
        loop: this.loop,
        calls: counting,
        messages: { ...messages, ...overriding },
        log: (_severity, line) => void this.lines.push(line),
        outgoing: new MessageBatch(64, 64),
        outgoingDatagrams: new MessageBatch(2, 128),
        incoming: new MessageBatch(64, 64),
      },
      this.options(limits, retireLimit),
      {
        onWanted: (slot, fd) => this.#open(slot, fd),
        onSent: () => {},
        onDone: () => {},
        onStarted: (slot) => void this.started.push(slot),
        onRoom: () => void this.rooms++,
        onPrepared: (isOk) => void this.prepared.push(isOk),
        onBadConfiguration: (slot) => void this.badConfigurations.push(slot),
        onViolation: (slot, what) => void this.violations.push(`${slot}: ${what}`),
      },
    )
    worlds.push(this)
    this.dispatcher.start()
  }

  options(limits: Partial<PlacementLimits>, retireLimit = 0): DispatcherOptions {
    return { limits: { ...LIMITS, ...limits }, retireLimit, wireBufferBytes: 0, stickyCaches: [this.cache] }
  }

  child(slot: number): WirePeer {
    const child = this.children.get(slot)
    assert.ok(child, `no child ${slot}`)
    return child
  }

  /** Children that have started. */
  speak(...slots: readonly number[]): void {
    for (const slot of slots) this.child(slot).say(MAX, 1_000)
    this.turns()
  }

  deliver(count = 1, key?: string): void {
    const sticky = key === undefined ? undefined : { cache: this.cache, key }
    for (let i = 0; i < count; i++) this.#deliver({ datagram: undefined, sticky })
    this.turns()
  }

  /** Delivers clients in this order: a datagram, or undefined for a connection. */
  deliverMixed(...datagrams: readonly (Uint8Array | undefined)[]): void {
    for (const datagram of datagrams) this.#deliver({ datagram, sticky: undefined })
    this.turns()
  }

  /** The number of clients that a child has received since the last call, and MAY_DIE if it was received. */
  heardBy(slot: number): (number | 'may die')[] {
    const heard = this.child(slot).hear()
    const clients = heard.filter(({ type }) => type === ACCEPT)
    for (const { fd } of clients) closeAll(fd)
    const rest = heard.filter(({ type }) => type !== ACCEPT)
    assert.ok(rest.every(({ type }) => type === MAY_DIE))
    if (rest.length > 0) assert.equal(heard.at(-1)?.type, MAY_DIE, 'no message follows MAY_DIE')
    return [clients.length, ...rest.map(() => 'may die' as const)]
  }

  /** Ends the process of a child. */
  die(slot: number): void {
    this.child(slot).close()
    this.children.delete(slot)
    this.dispatcher.removeChild(slot)
    this.turns()
  }

  pass(ms: number): void {
    this.clock.nowMs += ms
    this.turns()
  }

  turns(count = 4): void {
    for (let i = 0; i < count; i++) this.loop.turn(0)
  }

  leave(): void {
    for (const slot of this.children.keys()) this.dispatcher.removeChild(slot)
    for (const child of this.children.values()) child.close()
    this.poller.close()
    closeAll(...this.held)
  }

  #deliver(delivery: Pick<Delivery, 'datagram' | 'sticky'>): void {
    const fd = done(calls.socket(AF_INET, SOCK_STREAM, 0))
    this.held.add(fd)
    this.dispatcher.deliver({ fd, message: plainAccept, limited: undefined, ...delivery })
  }

  #open(slot: number, fd: Fd): void {
    this.wanted.push(slot)
    this.children.set(slot, new WirePeer(fd))
  }

  #close(fd: Fd): number {
    this.held.delete(fd)
    return calls.close(fd)
  }
}

const worlds: DispatcherWorld[] = []

/** To be called after each test. */
export function leaveWorlds(): void {
  for (const world of worlds.splice(0)) world.leave()
}
