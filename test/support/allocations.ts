import { getHeapStatistics } from 'node:v8'
import { SmallRelay } from '../../bench/micro/small-relay.js'
import { median } from '../../bench/statistics.js'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import type { System } from '../../src/kernel/system.js'
import { MessageRelay } from './message-relay.js'
import { WholeRelay } from './whole-relay.js'

/**
 * Prints how many bytes of the heap each round of some work takes. To be run by itself, with a young generation so
 * large that nothing is collected meanwhile: then what the heap has grown by is what was allocated.
 */

/** Until the compiler has seen everything often enough: it allocates too. */
const WARM_UP_ROUNDS = 20_000

const WINDOWS = 10

/** The last object that was made for nothing; being reachable, it cannot be optimised away. */
let waste: unknown

/** What the measurement must see: one small object for each receive. */
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
 * Bytes per round. The median of ten windows is the work's own: in one or two of them the compiler thinks again, and
 * what it makes then has nothing to do with how many rounds there are.
 */
function growthOf(rounds: number, round: () => void): Growth {
  for (let i = 0; i < WARM_UP_ROUNDS; i++) round()
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

function messages(): () => void {
  const relay = new MessageRelay()
  return () => relay.carry()
}

const WORK: Readonly<Record<string, () => () => void>> = {
  'events-in-memory': eventsInMemory,
  exchanges: () => exchanges(new WholeRelay()),
  'exchanges-by-poll': () => exchanges(new WholeRelay({ mechanism: 'poll' })),
  'exchanges-by-select': () => exchanges(new WholeRelay({ mechanism: 'select' })),
  'wasteful-exchanges': () => exchanges(new WholeRelay({ system: wasteful() })),
  connections: () => connections(new WholeRelay()),
  messages,
  'logged-connections': () => connections(new WholeRelay({ hasAccessLog: true })),
}

function main([name = '', rounds = '']: readonly string[]): void {
  const begin = WORK[name]
  if (begin === undefined) throw new Error(`no such work: ${name}`)
  process.stdout.write(`${JSON.stringify(growthOf(Number(rounds), begin()))}\n`)
  if (waste === null) throw new Error('never')
  process.exit(0)
}

main(process.argv.slice(2))
