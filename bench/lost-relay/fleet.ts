/** Relays that share nothing, each with a pool of the same remotes, and the connections that are open in them. */
import { hashAddress, hashWord } from '../../src/balance/hash.js'
import { policyOf } from '../../src/balance/policy-of.js'
import { Pool } from '../../src/balance/pool.js'
import { RandomSource } from '../../src/balance/random-source.js'
import { RemoteHealth } from '../../src/balance/remote-health.js'
import { remoteSeeds } from '../../src/balance/remote-seeds.js'
import { firstSlots } from '../../src/balance/slot-range.js'
import { SlotSet } from '../../src/balance/slot-set.js'
import type { PolicyName } from '../../src/base/policy-names.js'
import { localPolicyMemory } from '../../src/cells/policy-memory.js'
import { EventHeap } from '../../src/simulate/event-heap.js'
import type { Trace } from '../../src/simulate/trace.js'
import type { Spread } from './spread.js'

export interface FleetOptions {
  readonly relays: number
  readonly remotes: number
  readonly policy: PolicyName
  readonly spread: Spread
  readonly seed: number
}

/** A connection that is open. */
export interface OpenConnection {
  readonly client: number
  /** Of the addresses and ports, which routers spread by. */
  readonly hash: number
  readonly relay: number
  readonly remote: number
}

interface RelayState {
  readonly pool: Pool
  /** Its sessions, by remote. */
  readonly use: Int32Array
}

/** The first port of clients; they have some 28,000. */
const FIRST_PORT = 32_768
const PORTS = 28_000

const NO_REMOTE_TRIED = new SlotSet()

export class Fleet {
  readonly #relays: readonly RelayState[]
  readonly #spread: Spread
  readonly #random: RandomSource
  readonly #trace: Trace
  #serving: readonly number[]

  constructor(options: FleetOptions, trace: Trace) {
    this.#relays = Array.from({ length: options.relays }, (_, relay) => relayState(options, relay))
    this.#serving = [...this.#relays.keys()]
    this.#spread = options.spread
    this.#random = new RandomSource(options.seed)
    this.#trace = trace
  }

  /** Serves all connections of the trace in order; returns those that are open after the last one has begun. */
  run(): OpenConnection[] {
    const { count, lengthMs, startMs } = this.#trace
    const opened: OpenConnection[] = []
    const ends = new EventHeap()
    for (let i = 0; i < count; i++) {
      const nowMs = startMs[i] as number
      while (ends.nextMs <= nowMs) this.close(opened[ends.pop()] as OpenConnection)
      opened.push(this.connect(this.#trace.client[i] as number, nowMs))
      ends.push(nowMs + (lengthMs[i] as number), i)
    }
    const open: OpenConnection[] = []
    while (ends.nextMs !== Infinity) open.push(opened[ends.pop()] as OpenConnection)
    return open
  }

  /** A connection from a port of the client that is chosen at random. */
  connect(client: number, nowMs: number): OpenConnection {
    const { clients } = this.#trace
    const key = hashAddress(clients.bytes, clients.addressAt(client), clients.byteCountOf(client))
    const hash = hashWord(FIRST_PORT + Math.floor(this.#random.next() * PORTS), key)
    const relay = this.relayOf(hash)
    const { pool, use } = this.#relays[relay] as RelayState
    const remote = pool.pick(NO_REMOTE_TRIED, nowMs, key)
    use[remote] = (use[remote] as number) + 1
    return { client, hash, relay, remote }
  }

  close({ relay, remote }: OpenConnection): void {
    const { use } = this.#relays[relay] as RelayState
    use[remote] = (use[remote] as number) - 1
  }

  /** Routers do not send to this relay any more. */
  lose(relay: number): void {
    this.#serving = this.#serving.filter((other) => other !== relay)
  }

  /** Where routers send the packets of a connection now. */
  relayOf(hash: number): number {
    return this.#spread.relayFor(hash, this.#serving)
  }
}

/** Every relay has the remotes in another order, as files written by several people do. */
function relayState({ policy, remotes, seed }: FleetOptions, relay: number): RelayState {
  const names = Array.from({ length: remotes }, (_, slot) => `192.0.2.${slot}:5432`)
  const members = [...names.keys()].sort((a, b) => hashWord(a, seed + relay) - hashWord(b, seed + relay))
  const use = new Int32Array(remotes)
  const options = { seeds: remoteSeeds(names) }
  const pool = new Pool({
    name: 'default',
    members,
    weights: new Array<number>(remotes).fill(1),
    use,
    health: new RemoteHealth(remotes),
    policy: policyOf(policy, firstSlots(remotes), localPolicyMemory(remotes), options),
    rebalance: 0,
    seed: seed + relay,
  })
  return { pool, use }
}
