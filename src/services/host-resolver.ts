/** Resolves the names that clients ask for, by DNS, and caches the answers for their TTL. */
import { Resolver } from 'node:dns/promises'
import { setTimeout as setTimeoutPromise } from 'node:timers/promises'
import { type HostLiteral, parseHostLiteral } from '../base/address.js'
import { BoundedTable } from '../base/bounded-table.js'
import type { TraceChannel } from '../observe/trace.js'

/** Lookups of different names at a time: each has two queries and a few kilobytes. */
const OPEN_MAX = 1_000

/** A lookup takes no longer, whatever the name servers do. */
const LOOKUP_MAX_MS = 10_000

/** With addresses of one family the other one delays the answer no longer (RFC 8305 recommends 50 ms). */
const OTHER_FAMILY_MS = 250

/** Bounds of how long addresses are used. A TTL of zero would be a lookup for each client. */
const TTL_MS_MIN = 1_000
const TTL_MS_MAX = 3_600_000

/** How long a failure is cached: the SOA record, which says more, is not reported. */
const FAILURE_MS = 5_000

/** First timeout of a query, which the library doubles, and its attempts. */
const QUERY_TIMEOUT_MS = 1_000
const QUERY_TRIES = 2

/** The name servers of the system are read again after this time. */
const SERVERS_MS = 30_000

/** Expired entries are removed so often. */
const PURGE_MS = 60_000

/** What DNS says about a name. */
export interface HostRecords {
  /** In the order of the name server, IPv6 first; empty: `problem` says why. */
  readonly addresses: readonly HostLiteral[]
  /** `ENOTFOUND`, `ETIMEOUT`, …; '' with addresses. */
  readonly problem: string
  /** CLOCK_MONOTONIC. */
  readonly expiresAtMs: number
}

/** An address record. */
export interface AddressRecord {
  readonly address: string
  /** In seconds. */
  readonly ttl: number
}

/** Queries the A or AAAA records of a name. Rejects with a code. */
export type QueryRecords = (name: string, family: 4 | 6) => Promise<readonly AddressRecord[]>

type Outcome = readonly AddressRecord[] | string

/** Names are absolute: neither a search list nor /etc/hosts applies. */
export class HostResolver {
  readonly #query: QueryRecords
  readonly #nowMs: () => number
  readonly #trace: TraceChannel
  readonly #known = new BoundedTable<HostRecords>(PURGE_MS)
  readonly #open = new Map<string, Promise<HostRecords>>()

  constructor(nowMs: () => number, trace: TraceChannel, query: QueryRecords = dnsQueries(nowMs)) {
    this.#nowMs = nowMs
    this.#trace = trace
    this.#query = query
  }

  /** Never rejects. Joins a lookup of the same name that is in flight. */
  lookUp(name: string): Promise<HostRecords> {
    const known = this.#known.get(name, this.#nowMs())
    if (known !== undefined) return Promise.resolve(known.value)
    const open = this.#open.get(name)
    if (open !== undefined) return open
    if (this.#open.size >= OPEN_MAX) return Promise.resolve(this.#failure('too many lookups at a time'))
    const begun = this.#lookUpNow(name).then((records) => {
      this.#open.delete(name)
      this.#known.set(name, records, records.expiresAtMs)
      return records
    })
    this.#open.set(name, begun)
    return begun
  }

  async #lookUpNow(name: string): Promise<HostRecords> {
    const limit = new AbortController()
    const all = this.#queryBoth(name, limit.signal)
    const outcomes = await Promise.race([all, within(LOOKUP_MAX_MS, limit.signal, ['ETIMEOUT'])])
    limit.abort()
    if (this.#trace.isOn) this.#trace.say(`${name}: ${JSON.stringify(outcomes)}`)
    const records = outcomes.flatMap((outcome) => (typeof outcome === 'string' ? [] : outcome))
    const addresses = records.flatMap(({ address }) => parseHostLiteral(address) ?? [])
    if (addresses.length === 0) return this.#failure(problemOf(outcomes))
    const ttlMs = Math.min(...records.map(({ ttl }) => ttl * 1_000))
    const usedMs = Math.min(Math.max(ttlMs, TTL_MS_MIN), TTL_MS_MAX)
    return { addresses, problem: '', expiresAtMs: this.#nowMs() + usedMs }
  }

  /** The outcomes of both families, or of the one with addresses if the other one takes long. */
  async #queryBoth(name: string, signal: AbortSignal): Promise<readonly Outcome[]> {
    const queries = ([6, 4] as const).map((family) => this.#queryOne(name, family))
    const first = await Promise.race(queries)
    const patienceMs = hasAddress(first) ? OTHER_FAMILY_MS : LOOKUP_MAX_MS
    const both = Promise.all(queries)
    return Promise.race([both, within(patienceMs, signal, [first])])
  }

  #queryOne(name: string, family: 4 | 6): Promise<Outcome> {
    return this.#query(name, family).catch((error: NodeJS.ErrnoException) => error.code ?? error.message)
  }

  #failure(problem: string): HostRecords {
    return { addresses: [], problem, expiresAtMs: this.#nowMs() + FAILURE_MS }
  }
}

function hasAddress(outcome: Outcome): boolean {
  return typeof outcome !== 'string' && outcome.length > 0
}

/** A name with records of one family only has no data for the other one: the other error says more. */
function problemOf(outcomes: readonly Outcome[]): string {
  const codes = outcomes.map((outcome) => (typeof outcome === 'string' ? outcome : 'ENODATA'))
  return codes.find((code) => code !== 'ENODATA') ?? 'ENODATA'
}

/** Does not keep the process alive. */
async function within<T>(ms: number, signal: AbortSignal, value: T): Promise<T> {
  return setTimeoutPromise(ms, value, { ref: false, signal }).catch(() => value)
}

/** By the system's name servers, which may change while the process runs. */
function dnsQueries(nowMs: () => number): QueryRecords {
  let resolver: Resolver | undefined
  let madeAtMs = 0
  return (name, family) => {
    if (resolver === undefined || nowMs() - madeAtMs > SERVERS_MS) {
      resolver = new Resolver({ timeout: QUERY_TIMEOUT_MS, tries: QUERY_TRIES })
      madeAtMs = nowMs()
    }
    return family === 4 ? resolver.resolve4(name, { ttl: true }) : resolver.resolve6(name, { ttl: true })
  }
}
