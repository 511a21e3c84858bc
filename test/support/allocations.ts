/** A program that measures heap allocation per round of some work; run by test/integration/garbage.test.ts and garbage.full.test.ts. */
import { getHeapStatistics } from 'node:v8'
import { PICK_CASES } from '../../bench/micro/policy-cases.js'
import { SmallRelay } from '../../bench/micro/small-relay.js'
import { median } from '../../bench/statistics.js'
import { reachedLimit } from '../../src/balance/attempt-limit.js'
import { Hedging } from '../../src/balance/hedging.js'
import { RetryBudget } from '../../src/balance/retry-budget.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import type { System } from '../../src/kernel/system.js'
import { detect, SNIFFERS } from '../../src/wire/sniff/detect.js'
import { FIRST_BYTES } from './first-bytes.js'
import { MessageRelay } from './message-relay.js'
import { WholeRelay } from './whole-relay.js'

/**
 * Prints the heap bytes that each round of some work allocates. Run in its own process with a young generation large
 * enough that nothing is collected meanwhile: then the growth of the heap equals the allocations.
 */

/** Warm-up until everything is compiled: the compiler allocates too. */
const WARM_UP_ROUNDS = 20_000

/** A connection takes ten times as long as a request and its reply. */
const WARM_UP_CONNECTIONS = 6_000

const WINDOWS = 10

/** What was detected; being used, it cannot be optimised away. */
let sum = 0

/** The last wasted object; being reachable, it cannot be optimised away. */
let waste: unknown

/** A deliberate leak that the measurement must detect: one small object per receive. */
function wasteful(): System {
  const system = linuxSystem()
  const { calls } = system
  return {
    ...system,
    calls: {
      ...calls,
      recv(fd, into, offset, bytesMax) {
        waste = { fd }
        return calls.recv(fd, into, offset, bytesMax)
      },
    },
  }
}

interface Growth {
  readonly medianBytes: number
  readonly allBytes: number
}

/**
 * Bytes per round: the median of ten windows, because in one or two of them V8 recompiles code and allocates for
 * that.
 */
function growthOf(rounds: number, warmUpRounds: number, round: () => void): Growth {
  for (let i = 0; i < warmUpRounds; i++) round()
  const perWindow = Math.ceil(rounds / WINDOWS)
  const grown = Array.from({ length: WINDOWS }, () => {
    const before = getHeapStatistics().used_heap_size
    for (let i = 0; i < perWindow; i++) round()
    return (getHeapStatistics().used_heap_size - before) / perWindow
  })
  return { medianBytes: median(grown), allBytes: grown.reduce((sum, bytes) => sum + bytes, 0) / WINDOWS }
}

function eventsInMemory(): () => void {
  const relay = new SmallRelay(1)
  return () => relay.event()
}

function exchanges(relay: WholeRelay): () => void {
  relay.connect()
  return () => relay.exchange()
}

function connections(relay: WholeRelay): () => void {
  return () => {
    relay.connect()
    relay.exchange()
    relay.disconnect()
  }
}

/** One pick by each policy among some remotes, with its measurement. */
function picks(): () => void {
  const cases = PICK_CASES.map(({ prepare }) => prepare(20))
  return () => {
    for (const pick of cases) pick(1)
  }
}

/** A client with a first attempt, and a retry if the budget allows it. */
function retries(): () => void {
  const budget = new RetryBudget(50)
  const clock = new Float64Array(1)
  return () => {
    clock[0] = (clock[0] as number) + 0.37
    budget.count(0, clock[0])
    if (reachedLimit(1, 9, budget, clock[0]) === undefined) budget.count(1, clock[0])
  }
}

/** A client with a connect time, and a hedge if the budget allows it. */
function hedges(): () => void {
  const hedging = new Hedging({ percentile: 95 })
  const clock = new Float64Array(1)
  return () => {
    clock[0] = (clock[0] as number) + 0.37
    hedging.countFirst(clock[0])
    hedging.took(clock[0] % 10)
    if (hedging.allows(clock[0])) hedging.countHedge(clock[0])
  }
}

function messages(): () => void {
  const relay = new MessageRelay()
  return () => relay.carry()
}

/** Every sniffer looks at a client of each protocol. */
function sniffing(): () => void {
  const samples = Object.values(FIRST_BYTES).flatMap((protocol) => protocol.map(({ bytes }) => bytes))
  return () => {
    for (let i = 0; i < samples.length; i++) {
      const bytes = samples[i] as Uint8Array
      for (let bit = 0; bit < SNIFFERS.length; bit++) sum += detect(bytes, 0, bytes.length, 1 << bit)
    }
  }
}

const WORK: Readonly<Record<string, () => () => void>> = {
  'events-in-memory': eventsInMemory,
  exchanges: () => exchanges(new WholeRelay()),
  'exchanges-by-poll': () => exchanges(new WholeRelay({ mechanism: 'poll' })),
  'exchanges-by-select': () => exchanges(new WholeRelay({ mechanism: 'select' })),
  'wasteful-exchanges': () => exchanges(new WholeRelay({ system: wasteful() })),
  connections: () => connections(new WholeRelay()),
  messages,
  picks,
  retries,
  hedges,
  sniffing,
  'logged-connections': () => connections(new WholeRelay({ hasAccessLog: true })),
}

function main([name = '', rounds = '']: readonly string[]): void {
  const begin = WORK[name]
  if (begin === undefined) throw new Error(`unknown work: ${name}`)
  const warmUpRounds = name.endsWith('connections') ? WARM_UP_CONNECTIONS : WARM_UP_ROUNDS
  process.stdout.write(`${JSON.stringify(growthOf(Number(rounds), warmUpRounds, begin()))}\n`)
  if (waste === null || Number.isNaN(sum)) throw new Error('never')
  process.exit(0)
}

main(process.argv.slice(2))
