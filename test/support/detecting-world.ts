/** A relay on a simulated kernel without faults, for tests of the phases before a remote is connected. */
import assert from 'node:assert/strict'
import { localCells } from '../../src/cells/cells.js'
import { ECONNRESET } from '../../src/kernel/errno.js'
import { heapRegion } from '../../src/kernel/region.js'
import { encodeAddress } from '../../src/kernel/sockaddr.js'
import type { AccessRecord } from '../../src/observe/access-line.js'
import { counterTables } from '../../src/observe/counters.js'
import { TraceChannel } from '../../src/observe/trace.js'
import { Loop } from '../../src/reactor/loop.js'
import type { ClientRules, ListenerStarttlsPlan } from '../../src/relay/context.js'
import type { Detection } from '../../src/relay/detection.js'
import { answered } from '../../src/relay/opening/asking.js'
import { HostLookups } from '../../src/relay/opening/host-lookups.js'
import { Questions } from '../../src/relay/opening/questions.js'
import { DEFAULT_RELAY_OPTIONS } from '../../src/relay/options.js'
import type { ProxyPlan } from '../../src/relay/proxy-peers.js'
import { Relay } from '../../src/relay/relay.js'
import type { Greeting } from '../../src/relay/relay-tls.js'
import { Remotes } from '../../src/relay/remotes.js'
import { ThrottledWarnings } from '../../src/relay/throttled-warnings.js'
import { Blocks } from '../../src/relay/transfer/blocks.js'
import { Pipes } from '../../src/relay/transfer/pipes.js'
import { PROTOCOL_NAMES } from '../../src/wire/sniff/protocol-names.js'
import { Chance } from '../simulation/chance.js'
import { FakeKernel } from '../simulation/fake-kernel.js'
import type { FakeSocket } from '../simulation/fake-socket.js'
import { listenerPlan } from './plans.js'
import { choosing } from './pools.js'

export interface DetectingOptions {
  readonly detection?: Detection | undefined
  /** @default no PROXY headers */
  readonly proxy?: ProxyPlan
  /** @default none */
  readonly starttls?: ListenerStarttlsPlan
  /** @default every client is admitted */
  readonly clientRules?: ClientRules
  /** @default none */
  readonly greeting?: Greeting
  /** MAVIS is asked about every client. @default no */
  readonly isAsked?: boolean
  /** The probability that a system call is interrupted. @default 0 */
  readonly interrupted?: number
  /** Which calls are interrupted. @default 1 */
  readonly seed?: number
}

/** What was known of a client when its remote was chosen. */
export interface Routed {
  readonly protocol: string
  readonly key: string
  readonly afterMs: number
}

/** Clients are played by the test; what the relay decides about them is in `routed` and `ended`. */
export class DetectingWorld {
  readonly routed: Routed[] = []
  readonly ended: AccessRecord[] = []
  readonly warnings: string[] = []
  /** By COUNT. */
  readonly counters: Float64Array
  readonly #kernel: FakeKernel
  readonly #loop: Loop
  readonly #relay: Relay
  readonly #questions: Questions
  readonly #tokens: number[] = []
  /** To the remote. */
  readonly #dialled: FakeSocket[] = []

  constructor(options: DetectingOptions) {
    const {
      clientRules,
      detection,
      greeting,
      isAsked = false,
      interrupted = 0,
      proxy,
      seed = 1,
      starttls,
    } = options
    const faults = { shortWrite: 0, noDescriptor: 0, noPipeSize: 0, spurious: 0, descriptors: 0 }
    const capacity = { sendCapacityMin: 65_536, sendCapacityMax: 65_536 }
    this.#kernel = new FakeKernel(new Chance(seed), { ...faults, ...capacity, interrupted })
    this.#kernel.onConnect = (socket) => {
      this.#dialled.push(socket)
      return socket.connect()
    }
    const { poller, system } = this.#kernel
    this.#loop = new Loop(poller, system.clock)
    this.#questions = new Questions(this.#loop, ({ asked }) => {
      this.#tokens.push(...asked.map(({ token }) => token))
    })
    const cells = localCells({ children: 1, remotes: 1, listeners: 1, pools: 1, ringBytes: 64 })
    const child = cells.child(0)
    this.counters = child.counters
    const address = { family: 'ipv4', host: '10.0.0.2', port: 80 } as const
    const { health, pools } = choosing({ weights: [1] }, { cells, loop: this.#loop })
    this.#relay = new Relay(
      {
        system,
        loop: this.#loop,
        blocks: new Blocks(system.calls, heapRegion),
        pipes: new Pipes(system.calls, this.#loop, { pipesMax: 1, pipeBytes: 65_536 }),
        questions: this.#questions,
        lookups: new HostLookups(this.#loop, () => {}),
        remotes: new Remotes([{ name: 'remote', addresses: [address] }], cells, child),
        health,
        pools,
        routing: {
          ruleOf: () => '',
          choose: ({ acceptedAtMs, clientKey, protocol }) => {
            const name = PROTOCOL_NAMES[protocol] ?? 'none'
            this.routed.push({ protocol: name, key: clientKey, afterMs: this.#kernel.nowMs - acceptedAtMs })
            return pools.fallback ?? 'no-route'
          },
        },
        options: {
          ...DEFAULT_RELAY_OPTIONS,
          hasAccessLog: true,
          asks: isAsked ? { about: 'host', timeoutMs: 60_000 } : undefined,
          notesPeers: true,
        },
        tls: { greetings: [greeting], remotes: [] },
        ...counterTables(child, [0]),
        log: () => {},
        warnings: new ThrottledWarnings((_severity, text) => this.warnings.push(text)),
        trace: new TraceChannel('NET', 0, () => {}),
        listeners: [listenerPlan('listener', { detection, proxy, starttls })],
        clientRules,
        writeAccess: (record) => this.ended.push(record),
      },
      { onRoom: () => {}, onRetired: () => {} },
    )
  }

  /** A client connects; `bytes` have already arrived. */
  connect(bytes: Uint8Array = new Uint8Array(0), host = '10.0.0.1'): FakeSocket {
    const socket = this.#kernel.newSocket('tcp')
    socket.state = 'open'
    if (bytes.length > 0) socket.arrive(bytes)
    const peer = heapRegion(128)
    peer.bytes.set(encodeAddress({ family: 'ipv4', host, port: 1024 }))
    this.#relay.deliver(socket.fd, 0, 'tcp', peer)
    this.turn()
    return socket
  }

  send(socket: FakeSocket, bytes: Uint8Array): void {
    socket.arrive(bytes)
    this.turn()
  }

  end(socket: FakeSocket): void {
    socket.arriveEnd()
    this.turn()
  }

  reset(socket: FakeSocket): void {
    socket.arriveReset(ECONNRESET)
    this.turn()
  }

  /** The remote accepts. Returns the sockets to it. */
  accept(): readonly FakeSocket[] {
    const sockets = this.#dialled.splice(0)
    for (const socket of sockets) socket.arriveConnected()
    this.turn()
    return sockets
  }

  /** The sessions that are open are frozen and thawed, as if another process resumed them. */
  move(): void {
    for (const session of [...this.#relay.openSessions]) {
      const frozen = this.#relay.freeze(session)
      assert.notEqual(frozen, 'later')
      if (frozen !== 'later') this.#relay.thaw(structuredClone(frozen))
    }
    this.turn()
  }

  /** Resets what is open, so that it is in `ended`. */
  cut(): void {
    this.#relay.cutAll('shutdown')
    this.turn()
  }

  permit(): void {
    answered(
      this.#questions,
      this.#tokens.splice(0).map((token) => [token, { isPermitted: true }]),
    )
  }

  get phases(): readonly string[] {
    return this.#relay.openSessions.map(({ phase }) => phase)
  }

  /** The clock advances by single timers, none of which is late. */
  pass(ms: number): void {
    for (const endMs = this.#kernel.nowMs + ms; this.#kernel.nowMs < endMs; ) {
      this.#kernel.nowMs += Math.max(1, Math.min(this.#loop.timers.waitMs(), endMs - this.#kernel.nowMs))
      this.turn()
    }
  }

  /** Several turns, because an interrupted call has another one. */
  turn(): void {
    for (let turns = 0; turns < 20; turns++) this.#loop.turn(0)
  }
}
