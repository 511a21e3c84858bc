/** One limit as a worker applies it. Read `limit-plan.ts` first; `limits.ts` says which limits apply to a client. */
import { hashAddress, hashText, hashWord } from '../balance/hash.js'
import { FULL, MOVED, UNTRACKED } from '../base/limit-taking.js'
import type { BanCause } from '../base/limit-words.js'
import type { LimitTable } from '../cells/limit-table.js'
import type { LimitPlan } from './limit-plan.js'
import { NO_TOKEN, TokenBucket } from './token-bucket.js'

/** What is known of a client when a limit is applied. */
export interface LimitFacts {
  readonly listenerSlot: number
  /** Four or 16 bytes of it are the address of the client, which begins at `addressAt`; none: it has none. */
  readonly address: Uint8Array
  readonly addressAt: number
  readonly addressByteCount: number
  /** '' if the client has none. */
  serverName(): string
  certificate(): { fingerprint(): string } | undefined
}

export interface LimiterParts {
  readonly index: number
  readonly plan: LimitPlan
  readonly table: LimitTable
  /** Of the hashes of keys. */
  readonly seed: number
  /** Names of the listeners, by slot. */
  readonly listeners: readonly string[]
  /** Called for each client that is not limited because the table is full of keys with sessions. */
  onUntracked(limit: LimitPlan): void
}

/** No place is left. `take` otherwise returns an entry, or UNTRACKED. */
export const NO_PLACE = -2

/** Attempts to use an entry that another worker is giving to a key: some ten milliseconds, as for the lock of the table. */
const ATTEMPTS_MAX = 100_000

const IPV4_BYTES = 4

/** The methods are about the key of the client that `aim` was called with last. */
export class Limiter {
  readonly plan: LimitPlan
  /** Its place among the limits of the configuration. */
  readonly index: number
  /** Clients of this worker that wait for it, or whose connections are held. */
  holding = 0
  readonly #table: LimitTable
  readonly #bucket: TokenBucket | undefined
  readonly #seed: number
  readonly #listenerIds: Int32Array
  readonly #onUntracked: (limit: LimitPlan) => void
  #tag = 1
  #place = 0

  constructor({ index, listeners, onUntracked, plan, seed, table }: LimiterParts) {
    const { action, holdMs, rate } = plan
    this.plan = plan
    this.index = index
    this.#table = table
    this.#bucket = rate && new TokenBucket(rate, action === 'queue' ? holdMs : 0)
    this.#seed = seed
    this.#listenerIds = Int32Array.from(listeners, (name) => hashText(name))
    this.#onUntracked = onUntracked
  }

  /** Undefined: it does not limit bytes. Otherwise two times for each entry: `relay/transfer/byte-bucket.ts`, in and out. */
  get paidUntilMs(): Float64Array | undefined {
    return this.#table.paidUntilMs
  }

  /** False: the client has no such key, and is not limited. `pool`: the name of its pool, if that is known. */
  aim(facts: LimitFacts, pool = ''): boolean {
    const { key } = this.plan
    switch (key.by) {
      case 'all':
        return this.#aimAtWord(0)
      case 'listener': {
        const id = this.#listenerIds[facts.listenerSlot]
        return id !== undefined && this.#aimAtWord(id)
      }
      case 'source': {
        const { address, addressAt, addressByteCount } = facts
        if (addressByteCount === 0) return false
        const bits = addressByteCount === IPV4_BYTES ? key.ipv4Bits : key.ipv6Bits
        this.#place = hashAddress(address, addressAt, addressByteCount, bits, ~this.#seed)
        this.#setTag(hashAddress(address, addressAt, addressByteCount, bits, this.#seed))
        return true
      }
      case 'pool':
        return this.#aimAtText(pool)
      case 'server-name':
        return this.#aimAtText(facts.serverName())
      case 'certificate':
        return this.#aimAtText(facts.certificate()?.fingerprint() ?? '')
    }
  }

  /** How long the ban of the key still lasts; 0 without one. */
  bannedMs(nowMs: number): number {
    const { ban } = this.plan
    const entry = ban === undefined ? UNTRACKED : this.#find()
    return ban === undefined || entry === UNTRACKED ? 0 : this.#table.bannedMs(entry, ban.forMs, nowMs)
  }

  /** Whether the key has as many sessions as it may. Only `take` decides: other workers take places too. */
  isFull(): boolean {
    return this.held >= this.plan.connections
  }

  /** Sessions of the key, of all workers. */
  get held(): number {
    const entry = this.#find()
    return entry === UNTRACKED ? 0 : this.#table.heldOf(entry)
  }

  /** Takes a place: the entry to give back later; UNTRACKED: the client has none; NO_PLACE. */
  take(nowMs: number): number {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const entry = this.#claim(nowMs)
      if (entry === UNTRACKED) return UNTRACKED
      const taking = this.#table.take(entry, this.#tag, this.plan.connections)
      if (taking === MOVED) continue
      this.#table.use(entry, nowMs)
      return taking === FULL ? NO_PLACE : entry
    }
    return UNTRACKED
  }

  giveBack(entry: number): void {
    this.#table.giveBack(entry)
  }

  /** A session with a place moves to another worker. */
  handOver(entry: number): void {
    this.#table.handOver(entry)
  }

  /** The same, for the worker that receives it. */
  takeOver(entry: number): void {
    this.#table.takeOver(entry)
  }

  /** Takes a token; false if there is none. */
  takeToken(nowMs: number): boolean {
    return this.#moveBucket(nowMs, 0) === 0
  }

  /** Takes a token, in advance if need be: the time until it is there. NO_TOKEN: longer than this time. */
  reserveToken(nowMs: number, waitMaxMs: number): number {
    return this.#moveBucket(nowMs, waitMaxMs)
  }

  /** Tokens that the key has; Infinity without a `rate`. */
  tokens(nowMs: number): number {
    const bucket = this.#bucket
    if (bucket === undefined) return Number.POSITIVE_INFINITY
    const entry = this.#find()
    return bucket.tokens(entry === UNTRACKED ? bucket.full(nowMs) : this.#fullAt(entry, bucket, nowMs), nowMs)
  }

  /** Whether rejections of this kind count for its ban. */
  counts(cause: BanCause): boolean {
    return this.plan.ban?.causes.includes(cause) === true
  }

  /** Counts a rejection for the ban of the key. True: it is banned from now on. */
  countRejection(cause: BanCause, nowMs: number): boolean {
    const { ban } = this.plan
    if (ban === undefined || !this.counts(cause)) return false
    const entry = this.#claim(nowMs)
    if (entry === UNTRACKED) return false
    this.#table.use(entry, nowMs)
    if (this.#table.countRejection(entry, ban.withinMs, nowMs) < ban.after) return false
    this.#table.clearRejections(entry)
    const isNew = this.#table.bannedMs(entry, ban.forMs, nowMs) === 0
    this.#table.ban(entry, ban.forMs, nowMs)
    return isNew
  }

  /** The time until the token that it has taken; NO_TOKEN, without any, if that is longer than `waitMaxMs`. */
  #moveBucket(nowMs: number, waitMaxMs: number): number {
    const bucket = this.#bucket
    if (bucket === undefined) return 0
    const entry = this.#claim(nowMs)
    if (entry === UNTRACKED) return 0
    for (;;) {
      const stored = this.#table.fullAt(entry)
      const fullAt = this.#isStale(entry, bucket, nowMs) ? bucket.full(nowMs) : stored
      const waitMs = bucket.waitMs(fullAt, nowMs)
      if (waitMs > waitMaxMs) return NO_TOKEN
      if (!this.#table.moveFullAt(entry, stored, bucket.reserve(fullAt, nowMs))) continue
      this.#table.use(entry, nowMs)
      return waitMs
    }
  }

  #fullAt(entry: number, bucket: TokenBucket, nowMs: number): number {
    return this.#isStale(entry, bucket, nowMs) ? bucket.full(nowMs) : this.#table.fullAt(entry)
  }

  /** Times of the bucket wrap: an old one would mean the future. */
  #isStale(entry: number, bucket: TokenBucket, nowMs: number): boolean {
    return this.#table.unusedMs(entry, nowMs) > bucket.settledMs
  }

  #find(): number {
    return this.#table.find(this.#tag, this.#place)
  }

  #claim(nowMs: number): number {
    const entry = this.#table.claim(this.#tag, this.#place, nowMs)
    if (entry === UNTRACKED) this.#onUntracked(this.plan)
    return entry
  }

  #aimAtText(text: string): boolean {
    if (text === '') return false
    this.#place = hashText(text, ~this.#seed)
    this.#setTag(hashText(text, this.#seed))
    return true
  }

  #aimAtWord(word: number): boolean {
    this.#place = hashWord(word, ~this.#seed)
    this.#setTag(hashWord(word, this.#seed))
    return true
  }

  /** 0 is the tag of unused entries. */
  #setTag(hash: number): void {
    this.#tag = hash || 1
  }
}
