/** Workers that share limited remotes, each a relay on a simulated kernel without faults. The test plays the peers. */
import assert from 'node:assert/strict'
import type { Hedging } from '../../src/balance/hedging.js'
import type { RetryBudget } from '../../src/balance/retry-budget.js'
import { type HeadCells, localCells } from '../../src/cells/cells.js'
import { queuePlace } from '../../src/cells/layout.js'
import { ECONNREFUSED, ECONNRESET } from '../../src/kernel/errno.js'
import { heapRegion } from '../../src/kernel/region.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'
import type { AccessRecord } from '../../src/observe/access-line.js'
import { counterTables } from '../../src/observe/counters.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { Loop } from '../../src/reactor/loop.js'
import { HostLookups } from '../../src/relay/opening/host-lookups.js'
import { Questions } from '../../src/relay/opening/questions.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import { Relay, type RelayParts } from '../../src/relay/relay.js'
import { type RemoteParts, Remotes } from '../../src/relay/remotes.js'
import type { SessionOptions } from '../../src/relay/session-options.js'
import { ThrottledWarnings } from '../../src/relay/throttled-warnings.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Pipes } from '../../src/relay/transfer/pipes.js'
import type { ClientOpening } from '../../src/wire/starttls/client-step.js'
import { Chance } from '../simulation/chance.js'
import { FakeKernel } from '../simulation/fake-kernel.js'
import type { FakeSocket } from '../simulation/fake-socket.js'
import { nullOrigination } from './null-tls.js'
import { listenerPlan } from './plans.js'
import { choosing } from './pools.js'

export interface QueueOptions {
  /** Most sessions of each remote. */
  readonly max: readonly number[]
  /** @default 1 */
  readonly workers?: number
  /** @default any number of clients */
  readonly queueSize?: number
  readonly options?: Partial<SessionOptions>
  readonly retryBudget?: RetryBudget
  readonly hedging?: Hedging
  /** Of each remote. @default 1 */
  readonly addresses?: number
  /** Of all remotes. */
  readonly remote?: Partial<RemoteParts>
  /** All remotes speak TLS (`null-tls.ts`) that begins with this opening. @default they speak no TLS */
  readonly opening?: ClientOpening
  /** Bytes that a socket takes before they are carried. @default 65,536 */
  readonly sendCapacity?: number
}

const NO_FAULTS = {
  interrupted: 0,
  shortWrite: 0,
  noDescriptor: 0,
  noPipeSize: 0,
  spurious: 0,
  descriptors: 0,
}
const CAPACITY_BYTES = 65_536
const FIRST_PORT = 1_000
const FIRST_CLIENT_PORT = 5_000

/** One relay. */
export class QueueWorker {
  readonly relay: Relay
  readonly parts: RelayParts
  readonly kernel: FakeKernel
  readonly loop: Loop
  readonly #world: QueueWorld

  constructor(world: QueueWorld, slot: number, given: QueueOptions) {
    const { addresses = 1, hedging, max, opening, options = {}, remote: ofRemotes, retryBudget } = given
    this.#world = world
    const { sendCapacity: bytes = CAPACITY_BYTES } = given
    const capacity = { sendCapacityMin: bytes, sendCapacityMax: bytes }
    this.kernel = new FakeKernel(new Chance(1), { ...NO_FAULTS, ...capacity })
    const { cells } = world
    const child = cells.child(slot)
    const { poller, system } = this.kernel
    this.loop = new Loop(poller, system.clock)
    this.kernel.onConnect = (socket, address) => {
      const port = address.family === 'unix' ? 0 : address.port
      const host = address.family === 'unix' ? '' : address.host
      const remote = port - FIRST_PORT
      const connection = { socket, remote, host, text: '' }
      world.connections.push(connection)
      const onBytes = (bytes: Uint8Array) => {
        connection.text += Buffer.from(bytes).toString('latin1')
      }
      socket.peer = { onBytes, onEnd: () => {}, onReset: () => {} }
      if (world.refuses || world.refusing.has(remote)) return -world.refusalErrno
      const outcome = socket.connect()
      if (world.isSilent) return outcome
      socket.arriveConnected()
      socket.state = 'open'
      return outcome
    }
    const remotes = max.map((_, remote) => ({
      ...ofRemotes,
      name: `remote ${remote}`,
      addresses: Array.from({ length: addresses }, (_, i) => {
        return { family: 'ipv4', host: `10.0.0.${2 + i}`, port: FIRST_PORT + remote } as const
      }),
    }))
    this.parts = {
      system,
      loop: this.loop,
      blocks: new Blocks(system.calls, heapRegion),
      pipes: new Pipes(system.calls, this.loop, { pipesMax: 1, pipeBytes: 65_536 }),
      questions: new Questions(this.loop, () => {}),
      lookups: new HostLookups(this.loop, () => {}),
      remotes: new Remotes(remotes, cells, child),
      ...choosing(
        { weights: max.map(() => 1), retryBudget, hedging },
        { cells, loop: this.loop, slot },
        { dialRetries: 0, queueTimeoutMs: 1_000, ...options },
      ),
      options: { ...DEFAULT_RELAY_OPTIONS, hasAccessLog: true, notesPeers: true },
      tls: {
        greetings: [],
        remotes: opening === undefined ? [] : max.map(() => nullOrigination(system.calls, opening)),
      },
      ...counterTables(child, [0]),
      log: (_severity, line) => void world.lines.push(line),
      warnings: new ThrottledWarnings((_severity, line) => void world.lines.push(line)),
      trace: new TraceChannel('NET', 0, () => {}),
      listeners: [listenerPlan('listener')],
      writeAccess: (record) => void world.ended.push(record),
    }
    this.relay = new Relay(this.parts, { onRoom: () => {}, onRetired: () => {} }, slot)
  }

  /** A client connects, and has sent these bytes. */
  connect(kind: 'tcp' | 'unix' = 'tcp', bytes = ''): FakeSocket {
    const socket = this.kernel.newSocket(kind)
    socket.state = 'open'
    if (bytes !== '') socket.arrive(Buffer.from(bytes, 'latin1'))
    const peer = heapRegion(128)
    const port = FIRST_CLIENT_PORT + this.#world.clients++
    const address = kind === 'tcp' ? ({ family: 'ipv4', host: '10.0.0.1', port } as const) : undefined
    peer.bytes.set(encodeAddress(address ?? { family: 'unix', path: '' }))
    this.relay.deliver(socket.fd, 0, kind, peer)
    this.turn()
    return socket
  }

  /** A remote accepts a connection. */
  answer(socket: FakeSocket | undefined): void {
    assert.ok(socket)
    socket.arriveConnected()
    this.turn()
  }

  /** A client or a remote resets its connection. */
  leave(socket: FakeSocket): void {
    socket.arriveReset(ECONNRESET)
    this.turn()
  }

  turn(): void {
    for (let turns = 0; turns < 5; turns++) {
      this.loop.turn(0)
      for (const socket of this.kernel.carryingSockets) this.kernel.carry(socket)
    }
  }

  /** `dialling`, `relaying` or `queued`, in the order in which the clients came. */
  get phases(): readonly string[] {
    return [...this.relay.openSessions].sort((a, b) => a.sequence - b.sequence).map(({ phase }) => phase)
  }
}

export class QueueWorld {
  readonly cells: HeadCells
  readonly workers: readonly QueueWorker[]
  /** Connections to remotes, in their order. */
  readonly connections: {
    readonly socket: FakeSocket
    readonly remote: number
    readonly host: string
    text: string
  }[] = []
  readonly ended: AccessRecord[] = []
  readonly lines: string[] = []
  /** All remotes refuse, or these. */
  refuses = false
  readonly refusing = new Set<number>()
  refusalErrno = ECONNREFUSED
  /** No remote answers. */
  isSilent = false
  clients = 0

  constructor(options: QueueOptions) {
    const { max, queueSize, workers = 1 } = options
    const shape = { children: workers, remotes: max.length, listeners: 1, pools: 1, ringBytes: 64 }
    this.cells = localCells(shape)
    this.cells.useMax.set(max)
    if (queueSize !== undefined) this.cells.useMax[queuePlace(shape, 0)] = queueSize
    this.workers = Array.from({ length: workers }, (_, slot) => new QueueWorker(this, slot, options))
  }

  worker(slot = 0): QueueWorker {
    const worker = this.workers[slot]
    assert.ok(worker)
    return worker
  }

  /** Clients that wait, of all workers, by the cells. */
  get waiting(): number {
    return this.cells.use[queuePlace(this.cells.layout.shape, 0)] as number
  }

  /** The clock of all workers, or of those given; the others stand still. */
  pass(ms: number, workers: readonly QueueWorker[] = this.workers): void {
    for (let left = ms; left > 0; left--) {
      for (const worker of this.workers) worker.kernel.nowMs += Math.min(1, left)
      for (const worker of workers) worker.turn()
    }
  }
}
