import { type ChildCells, localCells } from '../../src/cells/cells.js'
import type { Fd } from '../../src/kernel/calls.js'
import { heapRegion } from '../../src/kernel/region.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'
import { accessLine } from '../../src/observe/access-line.js'
import { counterTables } from '../../src/observe/counters.js'
import { ACCESS, LogRingWriter } from '../../src/observe/log-ring.js'
import { INFO } from '../../src/observe/severity.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { Loop } from '../../src/reactor/loop.js'
import { PEER_ENDED, READABLE } from '../../src/reactor/poller.js'
import { HostLookups } from '../../src/relay/opening/host-lookups.js'
import { Questions } from '../../src/relay/opening/questions.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import { Relay, type RelayParts } from '../../src/relay/relay.js'
import { NO_TLS } from '../../src/relay/relay-tls.js'
import { Remotes } from '../../src/relay/remotes.js'
import { ThrottledWarnings } from '../../src/relay/throttled-warnings.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Pipes } from '../../src/relay/transfer/pipes.js'
import { listenerPlan } from '../../test/support/plans.js'
import { choosing } from '../../test/support/pools.js'
import { MemoryKernel } from './memory-kernel.js'

const REQUEST_BYTES = 100

/** Sockets of one session, and one each that comes and goes. */
const SOCKETS_PER_SESSION = 2

interface Ends {
  readonly client: Fd
  readonly remote: Fd
}

/** Sessions of a relay over the kernel in memory, with production options: access log and idle timeout. */
export class SmallRelay {
  readonly #kernel: MemoryKernel
  readonly #loop: Loop
  readonly #relay: Relay
  readonly #cells: ChildCells
  readonly #peer = heapRegion(128)
  readonly #sessions: Ends[] = []
  #next = 0
  #isRemotesTurn = false

  constructor(sessions: number) {
    this.#kernel = new MemoryKernel((sessions + 1) * SOCKETS_PER_SESSION)
    const { system } = this.#kernel
    this.#loop = new Loop(this.#kernel.poller, system.clock)
    const shared = localCells({ children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: 1024 * 1024 })
    this.#cells = shared.child(0)
    const remotes = [{ name: 'remote', addresses: [{ family: 'ipv4', host: '10.0.0.2', port: 80 } as const] }]
    const ring = new LogRingWriter(this.#cells, () => {})
    const parts: RelayParts = {
      system,
      loop: this.#loop,
      blocks: new Blocks(system.calls, heapRegion),
      pipes: new Pipes(system.calls, this.#loop, { pipesMax: 0, pipeBytes: 0 }),
      questions: new Questions(this.#loop, () => {}),
      lookups: new HostLookups(this.#loop, () => {}),
      remotes: new Remotes(remotes, shared, this.#cells),
      ...choosing(
        { weights: [1] },
        { cells: shared, loop: this.#loop },
        { dialRetries: 0, idleTimeoutMs: 60_000 },
      ),
      options: {
        ...DEFAULT_RELAY_OPTIONS,
        hasAccessLog: true,
        notesPeers: true,
      },
      tls: NO_TLS,
      ...counterTables(this.#cells, [0]),
      log: () => {},
      warnings: new ThrottledWarnings(() => {}),
      trace: new TraceChannel('NET', 0, () => {}),
      listeners: [listenerPlan('listener')],
      writeAccess: (record) => ring.write(ACCESS, INFO, accessLine(record)),
    }
    this.#relay = new Relay(parts, { onRoom: () => {}, onRetired: () => {} })
    this.#peer.bytes.set(encodeAddress({ family: 'ipv4', host: '10.0.0.1', port: 50_000 }))
    for (let i = 0; i < sessions; i++) this.#sessions.push(this.#arrive())
  }

  /** A request and its reply, on the sessions in turn: two events. */
  exchange(): void {
    const { client, remote } = this.#sessions[this.#next] as Ends
    this.#next = this.#next + 1 === this.#sessions.length ? 0 : this.#next + 1
    this.#carry(client)
    this.#carry(remote)
  }

  /** Half of an exchange: first the client's half, then the remote's. */
  event(): void {
    const { client, remote } = this.#sessions[0] as Ends
    this.#isRemotesTurn = !this.#isRemotesTurn
    this.#carry(this.#isRemotesTurn ? client : remote)
  }

  /** One more session is opened, served and closed, beside those that stay. */
  wholeSession(): void {
    const { client, remote } = this.#arrive()
    this.#carry(client)
    this.#carry(remote)
    this.#kernel.end(remote, READABLE | PEER_ENDED)
    this.#loop.turn(0)
    this.#kernel.end(client, READABLE | PEER_ENDED)
    this.#loop.turn(0)
    if (this.#relay.openCount !== this.#sessions.length) throw new Error('the session has not ended')
    // Pretend that the head has read the log.
    this.#cells.ringHead[1] = this.#cells.ringHead[0] as number
  }

  #arrive(): Ends {
    const client = this.#kernel.open()
    this.#relay.deliver(client, 0, 'tcp', this.#peer)
    const { openSessions } = this.#relay
    return { client, remote: openSessions[openSessions.length - 1]?.remote.fd ?? -1 }
  }

  #carry(from: Fd): void {
    this.#kernel.arrive(from, REQUEST_BYTES)
    this.#loop.turn(0)
  }
}
