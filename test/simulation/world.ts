import assert from 'node:assert/strict'
import { First } from '../../src/balance/first.js'
import { Pool } from '../../src/balance/pool.js'
import { localCells } from '../../src/cells/cells.js'
import { type CounterName, REMOTE_COUNTERS, type RemoteCounterName } from '../../src/cells/layout.js'
import { StickyTable, stickyBytes } from '../../src/cells/sticky-table.js'
import { SOURCE_KEY } from '../../src/config/client-key-type.js'
import { heapRegion, type Region } from '../../src/kernel/region.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'
import type { AccessRecord } from '../../src/observe/access-line.js'
import { COUNT, counterTables, LISTENER_COUNT, REMOTE_COUNT } from '../../src/observe/counters.js'
import { DecisionWriter } from '../../src/observe/decision-ring.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { Loop } from '../../src/reactor/loop.js'
import { FOR_EVER_MS } from '../../src/reactor/timers.js'
import type { Frozen } from '../../src/relay/closing/frozen.js'
import { DecisionNotes } from '../../src/relay/opening/decision-notes.js'
import { HostLookups } from '../../src/relay/opening/host-lookups.js'
import { Questions } from '../../src/relay/opening/questions.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import { Relay } from '../../src/relay/relay.js'
import { type RelayPool, RelayPools } from '../../src/relay/relay-pools.js'
import { type RemoteParts, Remotes } from '../../src/relay/remotes.js'
import { type SessionLimits, UNLIMITED } from '../../src/relay/session-limits.js'
import { Stickiness } from '../../src/relay/stickiness.js'
import { ThrottledWarnings } from '../../src/relay/throttled-warnings.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Pipes } from '../../src/relay/transfer/pipes.js'
import { SPLICE_POLICIES, type SplicePolicy } from '../../src/relay/transfer/splice-policies.js'
import { listenerPlan } from '../support/plans.js'
import { choosing } from '../support/pools.js'
import { Actor } from './actor.js'
import { AttemptCheck } from './attempt-check.js'
import { Chance } from './chance.js'
import { FakeAuthority } from './fake-authority.js'
import { FakeHosts } from './fake-hosts.js'
import { FakeKernel, type Faults } from './fake-kernel.js'
import { fakeOrigination } from './fake-tls.js'
import { ProtocolCheck } from './protocol-check.js'
import { Rivals } from './rivals.js'
import { assertServed } from './served.js'
import { clientOf, Servers } from './servers.js'

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

const UNSERVED = [
  'notServed',
  'queueTimeouts',
  'queueFull',
  'attemptsMaxReached',
  'retryBudgetSpent',
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
  /** Undefined: there is no dynamic route. */
  readonly #hosts: FakeHosts | undefined
  readonly #questions: Questions
  readonly #cells
  readonly #rivals: Rivals
  readonly #attempts: AttemptCheck
  /** TLS channels that are not freed. */
  readonly #channels = new Set<unknown>()
  readonly #clients: Actor[] = []
  readonly #servers: Servers
  readonly #frozen: Frozen[] = []
  /** What access lines say of sessions that were frozen. */
  readonly #moved = new Map<number, Pick<AccessRecord, 'failedAttempts' | 'queuedMs' | 'why'>>()
  /** Lines of the access log, by the sequence number of the session. */
  readonly #records = new Map<number, AccessRecord>()
  /** The share of clients that come over Unix sockets. */
  readonly #unixClients: number
  /** A thaw checks every socket again: if nothing was frozen, a lost wake-up stays lost and is detected. */
  readonly #mayFreeze: boolean
  readonly #protocols: ProtocolCheck
  /** How often time passes in which the next address of a remote is due. */
  readonly #hurry: number
  readonly #windowBytes: number
  readonly #bytesMax: number

  constructor(seed: number) {
    this.#chance = new Chance(seed)
    const chance = this.#chance
    this.#mayFreeze = chance.is(0.5)
    this.#hurry = chance.pick([0, 0.3])
    this.#protocols = new ProtocolCheck(chance)
    this.#windowBytes = chance.pick(WINDOWS)
    this.#bytesMax = this.#windowBytes * chance.pick([1, 3, 8])
    // Only sessions between TCP sockets are spliced.
    const isCopying = transportOf(seed) === 'copying'
    this.#unixClients = chance.pick(isCopying ? [0, 0.5, 1] : [0, 0, 0, 0.5])
    this.#servers = new Servers(chance, this.#bytesMax, isCopying ? 0.5 : 0.1)
    this.#kernel = new FakeKernel(chance, faultsFor(chance, this.#windowBytes))
    this.#kernel.onConnect = (socket, address) => {
      const session = this.#rivals.assertInOrder(socket.fd, this.#relay.openSessions)
      const client = clientOf(socket, this.#relay, this.#clients)
      const outcome = this.#servers.connect(socket, address, client)
      this.#attempts.note(session, outcome, this.#kernel.nowMs)
      return outcome
    }
    const { system } = this.#kernel
    this.#loop = new Loop(this.#kernel.poller, system.clock)
    this.#blocks = new Blocks(system.calls, chunkFor())
    this.#pipes = new Pipes(system.calls, this.#loop, {
      pipesMax: chance.between(1, 6),
      pipeBytes: 256 * 1024,
    })
    this.#authority = new FakeAuthority(chance)
    this.#questions = new Questions(this.#loop, (news) => this.#authority.hear(news))
    const { plainPort } = this.#servers
    this.#hosts =
      plainPort !== undefined && chance.is(0.3) ? new FakeHosts(chance, this.#loop, plainPort) : undefined
    const remotes = this.#remotes.length
    this.#cells = localCells({ children: 2, remotes, listeners: 1, pools: 1, ringBytes: 64 })
    this.#rivals = new Rivals(chance, this.#cells, this.#servers.remotes.length)
    this.#attempts = new AttemptCheck(chance, this.#servers.remotes.length)
    this.#relay = this.#makeRelay(system, policyFor(transportOf(seed), chance, this.#windowBytes))
  }

  #makeRelay(system: FakeKernel['system'], splice: SplicePolicy): Relay {
    const child = this.#cells.child(0)
    const { hasTls, remotes: servers } = this.#servers
    const remotes = this.#remotes
    const origination = fakeOrigination(system.calls, this.#chance, this.#channels)
    const chosen = choosing(
      {
        weights: remotes.map(() => this.#chance.between(1, 3)),
        members: [...servers.keys()],
        use: this.#rivals.seenUse,
        rebalance: this.#chance.is(0.2) ? 3 : 0,
        sticky: this.#chance.is(0.3) ? stickiness(remotes.length) : undefined,
        ...this.#attempts.ofPool,
      },
      { cells: this.#cells, loop: this.#loop },
      {
        connectTimeoutMs: 1_000,
        dialTimeoutMs: this.#chance.pick([700, 10_000]),
        dialRetries: this.#chance.between(0, 3),
        attemptsMax: this.#attempts.attemptsMax,
        idleTimeoutMs: this.#chance.is(0.1) ? 3_000 : Number.POSITIVE_INFINITY,
        keepAlive: { isOn: this.#chance.is(0.5), idleS: 1, intervalS: 0, count: 0 },
        splice,
        limits: this.#chance.is(0.3) ? ratesFor(this.#chance, this.#windowBytes) : undefined,
        queueTimeoutMs: this.#rivals.queueTimeoutMs,
      },
    )
    const dynamic = this.#dynamicPool(chosen)
    const pools = dynamic === undefined ? chosen.pools : new RelayPools([...chosen.pools.all, dynamic], 0, [])
    const decisions = new DecisionNotes(new DecisionWriter(child), true)
    for (const { pool } of pools.all) pool.census = decisions.census
    return new Relay(
      {
        system,
        loop: this.#loop,
        blocks: this.#blocks,
        pipes: this.#pipes,
        questions: this.#questions,
        lookups: this.#hosts?.lookups ?? new HostLookups(this.#loop, () => {}),
        remotes: new Remotes(remotes, this.#cells, child),
        ...chosen,
        pools,
        decisions,
        routing: {
          ruleOf: () => '',
          choose: (session) => {
            const client = this.#kernel.socketAt(session.client.fd)
            this.#protocols.assertDetected(session, client, this.#kernel.nowMs)
            const service =
              dynamic && this.#hosts ? this.#hosts.choose(session, dynamic, pools.fallback) : pools.fallback
            return service ?? 'no-route'
          },
        },
        options: {
          ...DEFAULT_RELAY_OPTIONS,
          hasAccessLog: true,
          asks: this.#authority.asks,
          notesPeers: true,
        },
        tls: { greetings: [], remotes: hasTls.map((has) => (has ? origination : undefined)) },
        ...counterTables(child, [0]),
        log: () => {},
        warnings: new ThrottledWarnings(() => {}),
        trace: new TraceChannel('NET', 0, () => {}),
        listeners: [listenerPlan('listener', { detection: this.#protocols.detection })],
        writeAccess: (record) => this.#records.set(sequenceOf(record.id), record),
      },
      { onRoom: () => {}, onRetired: () => {} },
    )
  }

  /** Those of the servers, then the one that stands for all hosts. */
  get #remotes(): readonly RemoteParts[] {
    const hosts = this.#hosts === undefined ? [] : [{ name: 'hosts', addresses: [], isDynamic: true }]
    return [...this.#servers.remotes, ...hosts]
  }

  #dynamicPool({ health, pools }: ReturnType<typeof choosing>): RelayPool | undefined {
    const { hosts } = this.#hosts ?? {}
    const [first] = pools.all
    if (hosts === undefined || first === undefined) return undefined
    const slot = this.#remotes.length - 1
    const pool = new Pool({
      name: 'hosts',
      members: [slot],
      weights: this.#remotes.map(() => 1),
      use: this.#cells.use,
      health,
      policy: new First(),
      rebalance: 0,
    })
    return { pool, options: first.options, index: 1, label: '', key: undefined, policy: 'first', hosts }
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
    this.#rivals.leave()
    this.#assertNothingLeft()
    this.#attempts.assertInBudget()
    const { counters } = this.#cells.child(0)
    this.#attempts.assertHedged(counters[COUNT.hedges] as number, counters[COUNT.hedgesWon] as number)
    for (const [index, client] of this.#clients.entries()) this.#assertRecorded(client, index + 1)
  }

  #arrive(): void {
    const kind = this.#chance.is(this.#unixClients) ? 'unix' : 'tcp'
    const socket = this.#kernel.newSocket(kind)
    socket.state = 'open'
    const index = this.#clients.length
    const opening = this.#protocols.opening()
    const client = new Actor(index * 2, socket, this.#chance, this.#bytesMax, false, opening)
    this.#clients.push(client)
    const address =
      kind === 'unix'
        ? encodeAddress({ family: 'unix', path: '' })
        : encodeAddress({ family: 'ipv4', host: CLIENT_HOST, port: FIRST_PORT + index })
    const peer = heapRegion(128)
    peer.bytes.set(address)
    for (let i = this.#chance.between(0, 2); i > 0; i--) client.act(this.#windowBytes)
    this.#relay.deliver(socket.fd, 0, kind, peer)
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
    else if (roll < 0.96) {
      this.#authority.settle(this.#questions, this.#relay.openSessions)
      this.#hosts?.settle()
    } else if (roll < 0.98) this.#rivals.act(this.#kernel.nowMs)
    else this.#pass(this.#chance.is(this.#hurry) ? 250 : this.#chance.between(0, 3))
  }

  #act(): void {
    const actors = [...this.#clients, ...this.#servers.actors].filter((actor) =>
      actor.canAct(this.#windowBytes),
    )
    if (actors.length > 0) this.#chance.pick(actors).act(this.#windowBytes)
    else if (this.#isQuiet() && this.#servers.pending.length === 0) this.#jump()
  }

  #carry(): void {
    const sockets = this.#kernel.carryingSockets
    if (sockets.length > 0) this.#kernel.carry(this.#chance.pick(sockets))
  }

  #settleConnection(): void {
    if (!this.#servers.settle()) this.#pass(100)
  }

  #freezeOrThaw(): void {
    const frozen = this.#frozen.pop()
    if (frozen !== undefined) {
      this.#relay.thaw(frozen)
      return
    }
    const { openSessions } = this.#relay
    if (!this.#mayFreeze || openSessions.length === 0) return
    const session = this.#chance.pick(openSessions)
    const { failedAttempts, queuedMs, sequence, why } = session
    const taken = this.#relay.freeze(session)
    if (taken === 'later') return
    this.#moved.set(sequence, { failedAttempts, queuedMs, why })
    this.#frozen.push(structuredClone(taken))
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
    const actors = [...this.#clients, ...this.#servers.actors]
      .filter(({ socket }) => !socket.isClosed)
      .map((actor) => `${actor}`)
    const carrying = this.#kernel.carryingSockets.length
    return JSON.stringify({
      sessions,
      actors,
      pending: this.#servers.pending,
      carrying,
      frozen: this.#frozen.length,
      clients: this.#clients.length,
    })
  }

  #assertNothingLeft(): void {
    // The head answers also when nobody waits any more.
    while (this.#hosts?.settle() === true);
    assert.equal(this.#hosts?.lookups.openCount ?? 0, 0, 'lookups left open')
    this.#hosts?.hosts.close()
    assert.deepEqual(this.#kernel.openDescriptors, [], 'descriptors left open')
    assert.equal(this.#blocks.held, 0, 'blocks left held')
    assert.equal(this.#pipes.openCount, 0, 'pipes left open')
    assert.equal(this.#questions.openCount, 0, 'questions left open')
    assert.equal(this.#channels.size, 0, 'TLS channels left')
    assert.equal(this.#loop.watchCount, 0, 'watches left')
    assert.equal(this.#loop.timers.count, 0, 'timers left')
    assert.deepEqual(
      [...this.#cells.use],
      [...this.#cells.use].map(() => 0),
      'places left taken',
    )
    this.#assertCounted()
  }

  /** The rows of the listener and of the remotes say what the row of the child says. */
  #assertCounted(): void {
    const { counters, listenerCounters, remoteCounters } = this.#cells.child(0)
    const total = (name: CounterName) => counters[COUNT[name]] as number
    const ofRemotes = (name: RemoteCounterName) =>
      this.#remotes.reduce((sum, _, slot) => {
        return sum + (remoteCounters[slot * REMOTE_COUNTERS.length + REMOTE_COUNT[name]] as number)
      }, 0)
    assert.equal(total('queuedNow'), 0)
    const unserved = UNSERVED.reduce((sum, name) => sum + total(name), 0)
    assert.equal(listenerCounters[LISTENER_COUNT.notServed], unserved, 'notServed of the listener')
    for (const name of ['accepted', 'ended', 'sessionsNow', 'bytesToRemote', 'bytesToClient'] as const)
      assert.equal(listenerCounters[LISTENER_COUNT[name]], total(name), `${name} of the listener`)
    const denied = DENIALS.reduce((sum, name) => sum + total(name), 0)
    assert.equal(listenerCounters[LISTENER_COUNT.denied], denied, 'denied of the listener')
    for (const name of ['attempts', 'attemptsFailed', 'bytesToRemote', 'bytesToClient'] as const)
      assert.equal(ofRemotes(name), total(name), `${name} of the remotes`)
    assert.equal(ofRemotes('sessions'), ofRemotes('ended'), 'sessions of remotes have ended')
    assert.equal(ofRemotes('resets'), total('resetByRemote'))
  }

  #assertRecorded(client: Actor, sequence: number): void {
    const record = this.#records.get(sequence)
    if (record === undefined) assert.fail(`client ${client} has no line in the access log`)
    const isRefused = this.#authority.refused.has(sequence)
    if ((record.reason === 'mavis-denied') !== isRefused)
      assert.fail(`client ${client} is refused if and only if the answer is no`)
    this.#attempts.assertEnded(sequence, record.reason)
    const { failedAttempts, queuedMs, remote, why } = record
    if (remote !== '' && why === '') assert.fail(`nothing says how client ${client} got its remote`)
    const moved = this.#moved.get(sequence)
    if (moved !== undefined) assert.deepEqual({ failedAttempts, queuedMs, why }, moved)
    assertServed(client, record)
  }
}

/** The last part of a session's id. */
function sequenceOf(id: string): number {
  return Number(id.slice(id.lastIndexOf('-') + 1))
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

/** A quantum, a tenth of a second, is from a single byte up to some windows. */
function ratesFor(chance: Chance, windowBytes: number): SessionLimits {
  const rate = () => (chance.is(0.3) ? Number.POSITIVE_INFINITY : windowBytes * chance.between(1, 30))
  return { ...UNLIMITED, bytesInPerS: rate(), bytesOutPerS: rate() }
}

function faultsFor(chance: Chance, windowBytes: number): Faults {
  const isCalm = chance.is(0.2)
  return {
    interrupted: isCalm ? 0 : 0.1,
    shortWrite: isCalm ? 0 : 0.3,
    noDescriptor: chance.is(0.2) ? 0.2 : 0,
    spurious: chance.is(0.3) ? 0.1 : 0,
    descriptors: chance.is(0.7) ? 0.7 : 0,
    noPipeSize: chance.is(0.3) ? 0.7 : 0,
    sendCapacityMin: Math.ceil(windowBytes / 10),
    sendCapacityMax: windowBytes * 2,
  }
}

/** All clients have one address, so they are one to it; it forgets them within the simulated time. */
function stickiness(remotes: number): Stickiness {
  const table = new StickyTable(heapRegion(stickyBytes(16)), 5_000)
  const members = Array.from({ length: remotes }, (_, slot) => ({ slot, name: String(slot) }))
  return new Stickiness(SOURCE_KEY, 1, table, members)
}
