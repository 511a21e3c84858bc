/** Module `cache`: answers repeated queries from the answers of the modules below. */
import { createHash } from 'node:crypto'
import { BoundedTable } from '../base/bounded-table.js'
import type { ByteString } from '../base/byte-string.js'
import { AV, SENT_ATTRIBUTES } from '../base/mavis-attributes.js'
import { encodeLines, type Values } from '../wire/mavis-lines.js'
import {
  ACK,
  type Code,
  DOWN,
  FINAL,
  type Module,
  type ModuleServices,
  NAK,
  NFD,
  type Query,
} from './module.js'
import type { CacheSettings } from './settings.js'

/** Larger answers are not cached. Usually an answer adds a few groups and a comment; 10,000 entries take 40 MB at most. */
const KEPT_BYTES_MAX = 4_096

/** Attributes by number, with their new values. */
type Changes = readonly (readonly [attribute: number, value: ByteString | undefined])[]

/** A query that was passed to the modules below. */
interface Asked {
  readonly key: string
  readonly values: Values
}

/**
 * For TYPE TACPLUS it caches the whole answer; the key is every attribute of the query except those that identify the
 * single query. For FTP it caches a user's profile as the original does, without a RESULT, so `auth` must be above it.
 */
export class Cache implements Module {
  readonly #settings: CacheSettings
  readonly #services: ModuleServices
  readonly #kept: BoundedTable<Changes>
  /** Weak: a query that never comes back up is dropped with its key. */
  readonly #asked = new WeakMap<Query, Asked>()

  constructor(settings: CacheSettings, services: ModuleServices) {
    this.#settings = settings
    this.#services = services
    this.#kept = new BoundedTable(settings.purgePeriodMs)
  }

  ask(query: Query, answer: (code: Code) => void): void {
    const { values } = query
    const key = this.#expireMs(values) > 0 ? kindOf(values)?.keyOf(values) : undefined
    // A module above may have sent the query down again: what was asked before does not count.
    this.#asked.delete(query)
    if (key === undefined) {
      answer(DOWN)
      return
    }
    const found = this.#kept.get(key, this.#services.nowMs())
    if (found === undefined) {
      // The values as they are now: modules below change them.
      this.#asked.set(query, { key, values: [...values] })
      answer(DOWN)
      return
    }
    // Undefined removes an attribute, as the original answer did.
    for (const [attribute, value] of found.value) values[attribute] = value
    answer(FINAL)
  }

  review(query: Query): typeof FINAL {
    const asked = this.#asked.get(query)
    if (asked === undefined) return FINAL
    this.#asked.delete(query)
    const changes = kindOf(asked.values)?.changesOf(query.values, asked.values)
    if (changes !== undefined && sizeOf(changes) <= KEPT_BYTES_MAX)
      this.#kept.set(asked.key, changes.map(copied), this.#services.nowMs() + this.#expireMs(asked.values))
    return FINAL
  }

  /** How long answers to this TYPE are kept; zero: they are not cached. */
  #expireMs(query: Values): number {
    return this.#settings.expireMs.get(query[AV.TYPE] ?? '') ?? 0
  }
}

/** How one TYPE is cached: its key and the kept part of an answer. Undefined: not cached. */
interface Kind {
  keyOf(query: Values): string | undefined
  changesOf(answer: Values, query: Values): Changes | undefined
}

/** Identify one query and differ in the next. */
const PER_QUERY: readonly number[] = [AV.SERIAL, AV.TIMESTAMP]

/** A query with one of these is not cached: the answer depends on a secret. */
const SECRETS: readonly number[] = [AV.PASSWORD, AV.PASSWDNEW, AV.CHALLENGE]

const tacplus: Kind = {
  keyOf: (query) => (SECRETS.some((secret) => query[secret] !== undefined) ? undefined : keyOf(query)),
  changesOf(answer, query) {
    const result = answer[AV.RESULT] ?? NFD
    // Errors are not kept, and neither is an answer about a one-time password.
    if (![ACK, NAK, NFD].includes(result) || answer[AV.PASSWORD_ONESHOT] !== undefined) return undefined
    const changes: [number, ByteString | undefined][] = [[AV.RESULT, result]]
    for (let number = 0; number < SENT_ATTRIBUTES; number++) {
      const isOfAnswer = number !== AV.RESULT && !PER_QUERY.includes(number)
      if (isOfAnswer && answer[number] !== query[number]) changes.push([number, answer[number]])
    }
    return changes
  },
}

/** A user's profile: the attributes cached for FTP. */
const PROFILE: readonly number[] = [
  AV.UID,
  AV.GID,
  AV.HOME,
  AV.ROOT,
  AV.QUOTA_LIMIT,
  AV.QUOTA_PATH,
  AV.FTP_ANONYMOUS,
  AV.ANON_INCOMING,
  AV.GIDS,
  AV.EMAIL,
  AV.UMASK,
  AV.TRAFFICSHAPING,
  AV.CLASS,
  AV.DBPASSWORD,
  AV.DBCERTSUBJ,
  AV.SHELL,
]

const ftp: Kind = {
  keyOf: (query) =>
    keyOf(query, (number) => number === AV.USER || number === AV.VHOST || number === AV.CERTSUBJ),
  changesOf(answer) {
    // Only a profile that lets `auth` decide about the next query, or that was accepted.
    const isKnown = answer[AV.DBPASSWORD] !== undefined || answer[AV.RESULT] === ACK
    if (!isKnown || answer[AV.PASSWORD_ONESHOT] !== undefined) return undefined
    const profile = PROFILE.filter((number) => answer[number] !== undefined)
    return [...profile.map((number) => [number, answer[number]] as const), [AV.COMMENT, 'cached']]
  },
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ['TACPLUS', tacplus],
  ['FTP', ftp],
])

const kindOf = (query: Values) => KINDS.get(query[AV.TYPE] ?? '')

/** A digest, because a query with a certificate may be long. */
function keyOf(query: Values, isPart = (number: number) => !PER_QUERY.includes(number)): string {
  const parts = query.map((value, number) => (isPart(number) ? value : undefined))
  return createHash('sha256').update(encodeLines(parts), 'latin1').digest('base64')
}

/** Copies the text: V8 keeps the whole parent of a substring alive, here an answer of up to 64 KiB. */
function copied([attribute, value]: Changes[number]): Changes[number] {
  return [attribute, value === undefined ? undefined : Buffer.from(value, 'latin1').toString('latin1')]
}

function sizeOf(changes: Changes): number {
  return changes.reduce((sum, [, value]) => sum + (value?.length ?? 0), 0)
}
