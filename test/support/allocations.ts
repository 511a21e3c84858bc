import { getHeapStatistics } from 'node:v8'
import { linuxSystem } from '../../src/kernel/linux-system.js'
import type { System } from '../../src/kernel/system.js'
import { WholeRelay } from './whole-relay.js'

/**
 * Prints how many bytes of the heap each round of some work takes. To be run by itself, with a young generation so
 * large that nothing is collected meanwhile: then what the heap has grown by is what was allocated.
 */

/** Until the compiler has seen everything often enough: it allocates too. */
const WARM_UP_ROUNDS = 20_000

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

function bytesPerRound(rounds: number, round: () => void): number {
  for (let i = 0; i < WARM_UP_ROUNDS; i++) round()
  const before = getHeapStatistics().used_heap_size
  for (let i = 0; i < rounds; i++) round()
  return (getHeapStatistics().used_heap_size - before) / rounds
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

const WORK: Readonly<Record<string, () => () => void>> = {
  exchanges: () => exchanges(new WholeRelay()),
  'wasteful-exchanges': () => exchanges(new WholeRelay({ system: wasteful() })),
  connections: () => connections(new WholeRelay()),
  'logged-connections': () => connections(new WholeRelay({ hasAccessLog: true })),
}

function main([name = '', rounds = '']: readonly string[]): void {
  const begin = WORK[name]
  if (begin === undefined) throw new Error(`no such work: ${name}`)
  process.stdout.write(`${JSON.stringify({ bytesPerRound: bytesPerRound(Number(rounds), begin()) })}\n`)
  if (waste === null) throw new Error('never')
  process.exit(0)
}

main(process.argv.slice(2))
