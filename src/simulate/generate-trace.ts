/** Makes up connections, for questions that no log answers yet. */
import { RandomSource } from '../balance/random-source.js'
import { writeGeneratedAddress } from './generated-address.js'
import { DONE } from './logged-remotes.js'
import { Trace } from './trace.js'

export interface Generation {
  readonly count: number
  /** Mean number of new connections per second; arrivals are a Poisson process. */
  readonly ratePerS: number
  /** Number of clients; their popularity follows Zipf's law. */
  readonly clients: number
  /** Median length of a session; lengths are log-normal. */
  readonly lengthMs: number
  readonly seed: number
  /** Names of the listeners; each gets the same share. */
  readonly listeners: readonly string[]
}

/** Deviation of the logarithm: one session in six is more than 4.5 times as long as the median, one in forty 19 times. */
const SPREAD = 1.5

/** Medians of what a session transfers. */
const TO_REMOTE_BYTES = 1_000
const TO_CLIENT_BYTES = 10_000

/** A fixed beginning, so that equal seeds make equal traces. */
const BEGIN_MS = Date.UTC(2026, 0, 1)

export function generateTrace({ clients, count, lengthMs, listeners, ratePerS, seed }: Generation): Trace {
  const trace = new Trace(false)
  const random = new RandomSource(seed)
  const popularity = zipf(clients)
  const names = listeners.map((name) => trace.words.idOf(name))
  const end = trace.words.idOf(DONE)
  const nothing = { pool: 0, remote: 0, tlsVersion: 0, serverName: 0, alpn: 0 }
  const connection = {
    ...nothing,
    end,
    startMs: 0,
    queuedMs: 0,
    lengthMs: 0,
    toRemote: 0,
    toClient: 0,
    client: 0,
    listener: 0,
  }
  const address = new Uint8Array(4)
  let atMs = BEGIN_MS
  for (let i = 0; i < count; i++) {
    atMs += (-Math.log1p(-random.next()) / ratePerS) * 1_000
    writeGeneratedAddress(address, firstAbove(popularity, random.next()))
    connection.startMs = Math.floor(atMs)
    connection.lengthMs = Math.round(logNormal(lengthMs, random))
    connection.toRemote = Math.round(logNormal(TO_REMOTE_BYTES, random))
    connection.toClient = Math.round(logNormal(TO_CLIENT_BYTES, random))
    connection.client = trace.clients.idOf(address, 4)
    connection.listener = names[Math.floor(random.next() * names.length)] ?? 0
    trace.add(connection)
  }
  return trace
}

/** By rank, the probability of this client or a more popular one: each is in proportion to 1/rank. */
function zipf(clients: number): Float64Array {
  const sums = new Float64Array(clients)
  let sum = 0
  for (let rank = 1; rank <= clients; rank++) {
    sum += 1 / rank
    sums[rank - 1] = sum
  }
  return sums.map((part) => part / sum)
}

/** The index of the first number that is greater. */
function firstAbove(sorted: Float64Array, number: number): number {
  let low = 0
  let high = sorted.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) > number) high = middle
    else low = middle + 1
  }
  return low
}

/** By Box and Muller. */
function logNormal(median: number, random: RandomSource): number {
  const radius = Math.sqrt(-2 * Math.log1p(-random.next()))
  return median * Math.exp(SPREAD * radius * Math.cos(2 * Math.PI * random.next()))
}
