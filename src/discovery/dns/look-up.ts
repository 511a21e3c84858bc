/** Looks up the records of a name, through its aliases. */
import type { Ask } from './client.js'
import { DnsFailure } from './dns-failure.js'
import { type DnsRecord, type DnsResponse, NXDOMAIN, type Question, type QuestionType } from './message.js'

/** Longer chains are a mistake. */
const ALIASES_MAX = 16

const NAME_LENGTH_MAX = 253
const LABEL = /^[!-~]{1,63}$/

type RecordOf<T extends QuestionType> = Extract<DnsRecord, { readonly type: T }>

/** An answer; an empty one is an answer too. */
export interface DnsAnswer<T extends QuestionType> {
  readonly records: readonly RecordOf<T>[]
  /** Why there are no records: the name does not exist, or has none of the type. */
  readonly denial: 'NXDOMAIN' | 'NODATA' | undefined
  /** How long the answer is valid: the shortest TTL, or the negative TTL (RFC 2308); 0 if it is not known. */
  readonly ttlMs: number
  /** Records of other names, which the server sends along. */
  readonly additionals: readonly DnsRecord[]
}

/** Rejects with a `DnsFailure` whose text begins with the type and the name. */
export async function lookUp<T extends QuestionType>(ask: Ask, type: T, name: string): Promise<DnsAnswer<T>> {
  try {
    if (!isName(name)) throw new DnsFailure('not a name')
    return await lookUpAlong(ask, { name, type }, new Aliases(name))
  } catch (error) {
    if (!(error instanceof DnsFailure)) throw error
    throw new DnsFailure(`${type} of ${name}: ${error.message}`)
  }
}

async function lookUpAlong<T extends QuestionType>(
  ask: Ask,
  question: Question & { readonly type: T },
  aliases: Aliases,
): Promise<DnsAnswer<T>> {
  const { type } = question
  const response = await ask({ name: aliases.name, type })
  const asked = aliases.name
  aliases.follow(response.answers)
  const found = response.answers.filter(
    (record): record is RecordOf<T> => record.type === type && record.name === aliases.name,
  )
  const { additionals } = response
  if (found.length > 0)
    return { records: found, denial: undefined, ttlMs: aliases.ttlWith(found), additionals }
  const soa = response.authorities.find((record) => record.type === 'SOA')
  // An authoritative server need not follow an alias to another zone.
  const isOpen = aliases.name !== asked && soa === undefined && response.code !== NXDOMAIN
  if (isOpen) return lookUpAlong(ask, question, aliases)
  return { records: [], denial: denialOf(response), ttlMs: aliases.ttlWith(negative(soa)), additionals }
}

/** Whether it can be asked: the target of a record may contain any bytes. */
function isName(text: string): boolean {
  return text.length <= NAME_LENGTH_MAX && text.split('.').every((label) => LABEL.test(label))
}

function denialOf({ code }: DnsResponse): 'NXDOMAIN' | 'NODATA' {
  return code === NXDOMAIN ? 'NXDOMAIN' : 'NODATA'
}

/** RFC 2308, section 5. Without SOA a denial must not be cached. */
function negative(soa: DnsRecord | undefined): readonly { readonly ttlMs: number }[] {
  return [{ ttlMs: soa?.type === 'SOA' ? Math.min(soa.ttlMs, soa.minimumMs) : 0 }]
}

/** The way from the name to the one that has the records. */
class Aliases {
  readonly #names: Set<string>
  #name: string
  #ttlMs = Number.POSITIVE_INFINITY

  constructor(name: string) {
    this.#name = name
    this.#names = new Set([name])
  }

  /** The last name so far. */
  get name(): string {
    return this.#name
  }

  /** The shortest TTL, with those of the records at the end. */
  ttlWith(records: readonly { readonly ttlMs: number }[]): number {
    return Math.min(this.#ttlMs, ...records.map(({ ttlMs }) => ttlMs))
  }

  follow(answers: readonly DnsRecord[]): void {
    for (;;) {
      const alias = answers.find((record) => record.type === 'CNAME' && record.name === this.#name)
      if (alias?.type !== 'CNAME') return
      this.#step(alias)
    }
  }

  #step({ target, ttlMs }: { readonly target: string; readonly ttlMs: number }): void {
    if (this.#names.has(target)) throw new DnsFailure('its CNAME records form a loop')
    if (this.#names.size > ALIASES_MAX)
      throw new DnsFailure(`more than ${ALIASES_MAX} CNAME records in a row`)
    if (!isName(target)) throw new DnsFailure('its CNAME record has a target that is no name')
    this.#names.add(target)
    this.#name = target
    this.#ttlMs = Math.min(this.#ttlMs, ttlMs)
  }
}
