import assert from 'node:assert/strict'
import { localCells } from '../../src/cells/cells.js'
import { type CounterName, REMOTE_COUNTERS, type RemoteCounterName } from '../../src/cells/layout.js'
import { EAGAIN, ECONNREFUSED } from '../../src/kernel/errno.js'
import { heapRegion, type Region } from '../../src/kernel/region.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'
import type { AccessRecord } from '../../src/observe/access-line.js'
import { COUNT, counterTables, LISTENER_COUNT, REMOTE_COUNT } from '../../src/observe/counters.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { Loop } from '../../src/reactor/loop.js'
import { FOR_EVER_MS } from '../../src/reactor/timers.js'
import type { Frozen } from '../../src/relay/closing/frozen.js'
import { Questions } from '../../src/relay/opening/questions.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import { Relay } from '../../src/relay/relay.js'
import { NO_TLS } from '../../src/relay/relay-tls.js'
import { Remotes } from '../../src/relay/remotes.js'
import { ThrottledWarnings } from '../../src/relay/throttled-warnings.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Pipes } from '../../src/relay/transfer/pipes.js'
import { SPLICE_POLICIES, type SplicePolicy } from '../../src/relay/transfer/splice-policies.js'
import { listenerPlan } from '../support/plans.js'
import { choosing } from '../support/pools.js'
import { Actor } from './actor.js'
import { Chance } from './chance.js'
import { FakeAuthority } from './fake-authority.js'
import { FakeKernel, type Faults } from './fake-kernel.js'
import type { FakeSocket } from './fake-socket.js'
import { ProtocolCheck } from './protocol-check.js'

/** Bytes that the kernel holds for the relay: mostly few, sometimes more than one receive takes. */
const WINDOWS = [3, 3, 10, 10, 100, 100, 100, 1_000, 1_000, 40_000]

/** Zeroing megabytes for each world would be most of its work: all of them share the same first chunk. */
let firstChunk: Region | undefined

function chunkFor(): (byteLength: number) => Region {
  let isFirst = true
  return (byteLength) => {
    if (!isFirst) return heapRegion(byteLength)
    isFirst = false
    firstChunk ??= heapRegion(byteLength)
    return firstChunk
  }
}

/** Bytes are copied, or spliced, or each direction changes between the two. */
export const TRANSPORTS = ['copying', 'splicing', 'both'] as const

/** How a simulated server answers, by its port. */
type Manner = 'answers' | 'answers-at-once' | 'refuses' | 'refuses-at-once' | 'silent' | 'busy'
const MANNERS: readonly Manner[] = [
  'answers',
  'answers',
  'answers-at-once',
  'refuses',
  'refuses-at-once',
  'silent',
  'busy',
]

const CLIENT_HOST = '10.0.0.1'
const FIRST_PORT = 1000

/** Steps in which a world must come to rest; a real one needs a few thousand. */
const STEPS_MAX = 200_000

/** What COUNTERS tell apart and a listener does not. */
const DENIALS = [
  'mavisDenied',
  'mavisNotFound',
  'mavisNotMember',
  'mavisErrors',
  'mavisTimeouts',
  'mavisNoIdentity',
  'mavisBusy',
] as const

/** One relay between simulated clients and servers, driven step by step. */
export class World {
  readonly #chance: Chance
  readonly #kernel: FakeKernel
  readonly #loop: Loop
  readonly #relay: Relay
  readonly #blocks: Blocks
  readonly #pipes: Pipes
  readonly #authority: FakeAuthority
  readonly #questions: Questions
  readonly #cells
  readonly #clients: Actor[] = []
  readonly #servers = new Map<FakeSocket, Actor>()
  readonly #connecting = new Map<FakeSocket, Manner>()
  readonly #frozen: Frozen[] = []
  readonly #records = new Map<string, AccessRecord>()
  readonly #manners: readonly Manner[]
  /** A thaw checks every socket again: if nothing was frozen, a lost wake-up stays lost and is detected. */
  readonly #mayFreeze: boolean
  readonly #protocols: ProtocolCheck
  readonly #windowBytes: number
  readonly #bytesMax: number

  constructor(seed: number) {
    this.#chance = new Chance(seed)
    const chance = this.#chance
    this.#mayFreeze = chance.is(0.5)
    this.#protocols = new ProtocolCheck(chance)
    this.#windowBytes = chance.pick(WINDOWS)
    this.#bytesMax = this.#windowBytes * chance.pick([1, 3, 8])
    this.#manners = Array.from({ length: chance.between(1, 4) }, () => chance.pick(MANNERS))
    this.#kernel = new FakeKernel(chance, faultsFor(chance, this.#windowBytes))
    this.#kernel.onConnect = (socket, port) => this.#onConnect(socket, port)
    const { system } = this.#kernel
    this.#loop = new Loop(this.#kernel.poller, system.clock)
    this.#blocks = new Blocks(system.calls, chunkFor())
    this.#pipes = new Pipes(system.calls, this.#loop, {
      pipesMax: chance.between(1, 6),
      pipeBytes: 256 * 1024,
    })
    this.#authority = new FakeAuthority(chance)
    this.#questions = new Questions(this.#loop, (news) => this.#authority.hear(news))
    const remotes = this.#manners.length
    this.#cells = localCells({ children: 1, remotes, listeners: 1, ringBytes: 64 })
    this.#relay = this.#makeRelay(system, policyFor(transportOf(seed), chance, this.#windowBytes))
  }

  #makeRelay(system: FakeKernel['system'], splice: SplicePolicy): Relay {
    const child = this.#cells.child(0)
    const names = this.#manners.map((manner, slot) => ({
      name: `${manner}-${slot}`,
      addresses: [{ family: 'ipv4', host: '10.0.0.2', port: FIRST_PORT + slot } as const],
    }))
    const { health, route } = choosing({
      weights: names.map(() => this.#chance.between(1, 3)),
      use: this.#cells.use,
      backOffUntilMs: child.retryAtMs,
      rebalance: this.#chance.is(0.2) ? 3 : 0,
    })
    const idleTimeoutMs = this.#chance.is(0.1) ? 3_000 : Number.POSITIVE_INFINITY
    return new Relay(
      {
        system,
        loop: this.#loop,
        blocks: this.#blocks,
        pipes: this.#pipes,
        questions: this.#questions,
        remotes: new Remotes(names, this.#cells, child),
        health,
        route: (session) => {
          const client = this.#kernel.socketAt(session.client.fd)
          this.#protocols.assertDetected(session, client, this.#kernel.nowMs)
          return route(session)
        },
        options: {
          ...DEFAULT_RELAY_OPTIONS,
          connectTimeoutMs: 1_000,
          dialTimeoutMs: 10_000,
          dialRetries: this.#chance.between(0, 3),
          idleTimeoutMs,
          keepAlive: { isOn: this.#chance.is(0.5), idleS: 1, intervalS: 0, count: 0 },
          splice,
          hasAccessLog: true,
          asks: this.#authority.asks,
          notesPeers: true,
        },
        tls: NO_TLS,
        ...counterTables(child, [0]),
        log: () => {},
        warnings: new ThrottledWarnings(() => {}),
        trace: new TraceChannel('NET', 0, () => {}),
        listeners: [listenerPlan('listener', { detection: this.#protocols.detection })],
        writeAccess: (record) => this.#records.set(record.client, record),
      },
      { onRoom: () => {}, onRetired: () => {} },
    )
  }

  /** Plays `lives` clients through, a few at a time, and checks all invariants. */
  play(lives: number): void {
    const crowd = this.#chance.between(1, 5)
    for (let steps = 0; ; steps++) {
      if (steps === STEPS_MAX) assert.fail(`the world does not come to rest: ${this.#describe()}`)
      const open = this.#relay.openCount + this.#frozen.length
      if (this.#clients.length < lives && open < crowd && this.#chance.is(0.2)) this.#arrive()
      else if (this.#clients.length === lives && open === 0 && this.#isQuiet()) break
      else this.#step()
    }
    this.#assertNothingLeft()
    for (const [index, client] of this.#clients.entries()) this.#assertServed(client, index)
  }

  #arrive(): void {
    const socket = this.#kernel.newSocket()
    socket.state = 'open'
    const index = this.#clients.length
    const opening = this.#protocols.opening()
    this.#clients.push(new Actor(index * 2, socket, this.#chance, this.#bytesMax, false, opening))
    const address = encodeAddress({ family: 'ipv4', host: CLIENT_HOST, port: FIRST_PORT + index })
    const peer = heapRegion(128)
    peer.bytes.set(address)
    if (this.#chance.is(0.5)) this.#clients[index]?.act(this.#windowBytes)
    this.#relay.deliver(socket.fd, 0, 'tcp', peer)
  }

  #onConnect(socket: FakeSocket, port: number): number {
    const manner = this.#manners[port - FIRST_PORT] as Manner
    if (manner === 'refuses-at-once') return -ECONNREFUSED
    if (manner === 'busy' && this.#chance.is(0.8)) return -EAGAIN
    this.#connecting.set(socket, manner)
    if (manner !== 'answers-at-once') return socket.connect()
    this.#answer(socket)
    return 0
  }

  /** The server accepts the connection; the relay's own records tell which client's it is. */
  #answer(socket: FakeSocket): void {
    this.#connecting.delete(socket)
    if (socket.isClosed) return
    const session = this.#relay.openSessions.find(({ remote }) => remote.fd === socket.fd)
    const client = this.#clients.find(
      (candidate) => candidate.socket.fd === session?.client.fd && !candidate.socket.isClosed,
    )
    assert.ok(client, 'a connection to a remote belongs to a client')
    socket.arriveConnected()
    socket.state = 'open'
    const server = new Actor(client.stream + 1, socket, this.#chance, this.#bytesMax, true)
    server.other = client
    client.other = server
    this.#servers.set(socket, server)
  }

  #isQuiet(): boolean {
    return this.#kernel.carryingSockets.length === 0
  }

  #step(): void {
    const roll = this.#chance.next()
    if (roll < 0.3) this.#loop.turn(0)
    else if (roll < 0.55) this.#act()
    else if (roll < 0.85) this.#carry()
    else if (roll < 0.9) this.#settleConnection()
    else if (roll < 0.94) this.#freezeOrThaw()
    else if (roll < 0.96) this.#authority.settle(this.#questions, this.#relay.openSessions)
    else this.#pass(this.#chance.between(0, 3))
  }

  #act(): void {
    const actors = [...this.#clients, ...this.#servers.values()].filter((actor) =>
      actor.canAct(this.#windowBytes),
    )
    if (actors.length > 0) this.#chance.pick(actors).act(this.#windowBytes)
    else if (this.#isQuiet() && this.#connecting.size === 0) this.#jump()
  }

  #carry(): void {
    const sockets = this.#kernel.carryingSockets
    if (sockets.length > 0) this.#kernel.carry(this.#chance.pick(sockets))
  }

  #settleConnection(): void {
    if (this.#connecting.size === 0) return
    const [socket, manner] = this.#chance.pick([...this.#connecting])
    if (manner === 'silent' && !socket.isClosed) {
      this.#pass(100)
      return
    }
    if (manner === 'answers' || manner === 'busy') this.#answer(socket)
    else {
      this.#connecting.delete(socket)
      if (!socket.isClosed) socket.arriveReset(ECONNREFUSED)
    }
  }

  #freezeOrThaw(): void {
    const frozen = this.#frozen.pop()
    if (frozen !== undefined) {
      this.#relay.thaw(frozen)
      return
    }
    const { openSessions } = this.#relay
    if (!this.#mayFreeze || openSessions.length === 0) return
    const taken = this.#relay.freeze(this.#chance.pick(openSessions))
    if (taken !== 'later') this.#frozen.push(structuredClone(taken))
  }

  #pass(ms: number): void {
    this.#kernel.nowMs += ms
  }

  /** Nothing moves: advances the clock to the next timer. */
  #jump(): void {
    if (this.#frozen.length > 0) {
      this.#freezeOrThaw()
      return
    }
    this.#loop.turn(0)
    if (this.#kernel.hasNews) return
    const waitMs = this.#loop.timers.waitMs()
    if (this.#isQuiet() && waitMs < FOR_EVER_MS) this.#pass(waitMs + 4)
  }

  #describe(): string {
    const sessions = this.#relay.openSessions.map(
      ({ phase, broken, client, remote, toRemote, toClient, id, timer }) => ({
        id,
        phase,
        broken: broken === undefined ? '' : broken.isClient ? 'client' : 'remote',
        errors: [client.error, remote.error],
        waiting: [toRemote.waitingBytes, toClient.waitingBytes],
        isBlocked: [toRemote.isBlocked, toClient.isBlocked],
        isDone: [toRemote.isDone, toClient.isDone],
        dueInMs: timer.isSet ? timer.dueMs - this.#kernel.nowMs : 'off',
      }),
    )
    const actors = [...this.#clients, ...this.#servers.values()]
      .filter(({ socket }) => !socket.isClosed)
      .map((actor) => `${actor}`)
    const connecting = [...this.#connecting.values()]
    const carrying = this.#kernel.carryingSockets.length
    return JSON.stringify({
      sessions,
      actors,
      connecting,
      carrying,
      frozen: this.#frozen.length,
      clients: this.#clients.length,
    })
  }

  #assertNothingLeft(): void {
    assert.deepEqual(this.#kernel.openDescriptors, [], 'descriptors left open')
    assert.equal(this.#blocks.held, 0, 'blocks left held')
    assert.equal(this.#pipes.openCount, 0, 'pipes left open')
    assert.equal(this.#questions.openCount, 0, 'questions left open')
    assert.equal(this.#loop.watchCount, 0, 'watches left')
    assert.equal(this.#loop.timers.count, 0, 'timers left')
    assert.deepEqual(
      [...this.#cells.use],
      this.#manners.map(() => 0),
      'use left counted',
    )
    this.#assertCounted()
  }

  /** The rows of the listener and of the remotes say what the row of the child says. */
  #assertCounted(): void {
    const { counters, listenerCounters, remoteCounters } = this.#cells.child(0)
    const total = (name: CounterName) => counters[COUNT[name]] as number
    const ofRemotes = (name: RemoteCounterName) =>
      this.#manners.reduce((sum, _, slot) => {
        return sum + (remoteCounters[slot * REMOTE_COUNTERS.length + REMOTE_COUNT[name]] as number)
      }, 0)
    for (const name of [
      'accepted',
      'ended',
      'sessionsNow',
      'bytesToRemote',
      'bytesToClient',
      'notServed',
    ] as const)
      assert.equal(listenerCounters[LISTENER_COUNT[name]], total(name), `${name} of the listener`)
    const denied = DENIALS.reduce((sum, name) => sum + total(name), 0)
    assert.equal(listenerCounters[LISTENER_COUNT.denied], denied, 'denied of the listener')
    for (const name of ['attempts', 'attemptsFailed', 'bytesToRemote', 'bytesToClient'] as const)
      assert.equal(ofRemotes(name), total(name), `${name} of the remotes`)
    assert.equal(ofRemotes('sessions'), ofRemotes('ended'), 'sessions of remotes have ended')
    assert.equal(ofRemotes('resets'), total('resetByRemote'))
  }

  #assertServed(client: Actor, index: number): void {
    const record = this.#records.get(`${CLIENT_HOST}:${FIRST_PORT + index}`)
    assert.ok(record, `client ${index} has no line in the access log`)
    const isRefused = this.#authority.refused.has(record.client)
    assert.equal(
      record.reason === 'mavis-denied',
      isRefused,
      `client ${index} is refused if the answer is no`,
    )
    // A server that answered when the relay had just given up waiting was never this client's.
    const server = record.remote === '' ? undefined : client.other
    if (server === undefined) {
      assert.equal(client.sawEnd, false, `client ${index} was never connected and saw a clean end`)
      return
    }
    const isWhole = record.reason === 'done'
    assertStream(`client ${index}`, client, server, record.reason)
    assertStream(`server ${index}`, server, client, record.reason)
    if (isWhole) return
    for (const [actor, peer] of [
      [client, server],
      [server, client],
    ] as const) {
      // The side whose peer broke must see it, unless it has broken or closed itself.
      const isWitness = !actor.hasReset && !actor.hasClosed && !(peer.hasEnded && actor.hasEnded)
      if (isWitness) assert.ok(actor.sawReset, `${record.reason}: stream ${actor.stream} got no reset`)
    }
  }
}

/** What `actor` received of the stream of `from`. */
function assertStream(name: string, actor: Actor, from: Actor, reason: string): void {
  for (const [offset, byte] of actor.got.entries()) {
    assert.equal(byte, from.byteAt(offset), `${name}: wrong byte at ${offset}`)
  }
  assert.ok(actor.got.length <= from.sent, `${name}: more bytes than were sent`)
  if (actor.sawEnd) {
    assert.ok(from.hasEnded, `${name}: an end that was not sent`)
    assert.equal(actor.got.length, from.sent, `${name}: an end before the last byte`)
  }
  if (reason === 'done' && !actor.hasReset && !actor.hasClosed) {
    assert.equal(actor.got.length, from.sent, `${name}: bytes lost in a session that ended in order`)
    assert.ok(actor.sawEnd, `${name}: no end in a session that ended in order`)
  }
  // Ends that the relay decides, and ends before a remote answers, promise nothing.
  const isPassedOn = reason === 'client-reset' || reason === 'remote-reset'
  const isWitness = isPassedOn && from.hasReset && !actor.hasReset && !actor.hasClosed && actor.sawReset
  if (isWitness) {
    const due = from.socket.receivedBeforeReset
    assert.ok(
      actor.got.length >= due,
      `${name}: ${actor.got.length} of ${due} bytes that came before the reset`,
    )
  }
}

/** Each seed has one world, and repeats it. */
export function transportOf(seed: number): (typeof TRANSPORTS)[number] {
  return TRANSPORTS[seed % TRANSPORTS.length] as (typeof TRANSPORTS)[number]
}

/** What is much and what is little, where a window holds a few bytes. */
function policyFor(
  transport: (typeof TRANSPORTS)[number],
  chance: Chance,
  windowBytes: number,
): SplicePolicy {
  const bigBytes = chance.between(1, windowBytes)
  const policy: SplicePolicy = {
    bigBytes,
    bigRuns: chance.between(1, 3),
    smallBytes: chance.between(0, bigBytes),
    smallRuns: chance.between(1, 3),
    restRuns: chance.between(1, 3),
    restBytes: chance.between(1, bigBytes),
  }
  if (transport === 'both') return policy
  const { restRuns, restBytes } = policy
  return { ...SPLICE_POLICIES[transport === 'splicing' ? 'yes' : 'no'], restRuns, restBytes }
}

function faultsFor(chance: Chance, windowBytes: number): Faults {
  const isCalm = chance.is(0.2)
  return {
    interrupted: isCalm ? 0 : 0.1,
    shortWrite: isCalm ? 0 : 0.3,
    noDescriptor: chance.is(0.2) ? 0.2 : 0,
    spurious: chance.is(0.3) ? 0.1 : 0,
    noPipeSize: chance.is(0.3) ? 0.7 : 0,
    sendCapacityMin: Math.ceil(windowBytes / 10),
    sendCapacityMax: windowBytes * 2,
  }
}
