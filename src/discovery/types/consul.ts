/**
 * The source `consul`: the healthy instances of a service, by blocking queries with the rules of
 * https://developer.hashicorp.com/consul/api-docs/features/blocking.
 */
import type { ConsulPlan } from '../discover-plan.js'
import { JsonHttp, type JsonRequest } from '../http/json-http.js'
import { readSecret } from '../http/server-files.js'
import { arrayAt, integerAt, isObject, type JsonObject, objectAt, textAt } from '../json-fields.js'
import { hostAt, MEMBERS_MAX } from '../json-members.js'
import { type Round, runRounds } from '../rounds.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

const WEIGHT_MAX = 65_535
/** By which part of the wait Consul extends it at most, and what is left for the way. */
const WAIT_JITTER = 1 / 16

export function openConsul(
  plan: ConsulPlan,
  events: SourceEvents,
  times: SourceTimes = SOURCE_TIMES,
): Source {
  const query = new BlockingQuery(plan)
  return runRounds(events, times, async (round) => {
    const isNews = await query.next(round)
    // A busy service has many changes, and an index that does not block would be a busy loop.
    await round.pause(isNews ? times.gatherMs : times.watchMinMs)
  })
}

class BlockingQuery {
  readonly #plan: ConsulPlan
  readonly #http: JsonHttp
  /** 0: the next query does not block. */
  #index = 0

  constructor(plan: ConsulPlan) {
    this.#plan = plan
    this.#http = new JsonHttp(plan)
  }

  /** Returns whether the index of the answer is another one than before. */
  async next(round: Round): Promise<boolean> {
    try {
      const { headers, value } = await this.#http.ask(await this.#request(), round.again)
      const members = membersOf(value)
      const [before, index] = [this.#index, indexOf(headers['x-consul-index'])]
      // An index that goes back, as after a restore, would block until it is reached again.
      this.#index = index < before ? 0 : index
      round.answer(members)
      return index !== before
    } catch (error) {
      // After a failure, or when the answer has to be confirmed, the answer has to come at once.
      this.#index = 0
      if (!round.again.aborted) throw error
      return false
    }
  }

  async #request(): Promise<JsonRequest> {
    const { timeoutMs, tokenFile, waitMs } = this.#plan
    const token = tokenFile === undefined ? undefined : await readSecret(tokenFile)
    return {
      url: this.#url(),
      ...(token === undefined ? {} : { headers: { 'X-Consul-Token': token }, secrets: [token] }),
      timeoutMs: this.#index === 0 ? timeoutMs : timeoutMs + waitMs * (1 + WAIT_JITTER),
    }
  }

  #url(): string {
    const { datacenter, service, tag, url, waitMs } = this.#plan
    const query = new URLSearchParams({ passing: '1' })
    if (datacenter !== undefined) query.set('dc', datacenter)
    if (tag !== undefined) query.set('tag', tag)
    if (this.#index > 0) {
      query.set('index', String(this.#index))
      query.set('wait', `${waitMs}ms`)
    }
    return `${url}/v1/health/service/${encodeURIComponent(service)}?${query}`
  }
}

/** At least 1: an index of 0, which some versions send, makes no query block. */
function indexOf(header: string | readonly string[] | undefined): number {
  if (typeof header !== 'string' || !/^\d{1,15}$/.test(header))
    throw new SourceFailure('an answer without X-Consul-Index: it is not from Consul')
  return Math.max(1, Number(header))
}

function membersOf(value: unknown): readonly FoundMember[] {
  const entries = arrayAt(value, 'the answer')
  if (entries.length > MEMBERS_MAX) throw new SourceFailure(`more than ${MEMBERS_MAX} instances`)
  const members = entries.map((entry, i) => memberOf(entry, `[${i}]`))
  if (new Set(members.map(({ name }) => name)).size < members.length)
    throw new SourceFailure('an answer with two instances of the same node and id')
  return members
}

function memberOf(entry: unknown, place: string): FoundMember {
  const { Node, Service } = objectAt(entry, place)
  const node = objectAt(Node, `${place}.Node`)
  const service = objectAt(Service, `${place}.Service`)
  const nodeName = textAt(node.Node, `${place}.Node.Node`)
  const id = textAt(service.ID, `${place}.Service.ID`)
  const { Address: own = '', Port: port } = service
  const host =
    own === '' ? hostAt(node.Address, `${place}.Node.Address`) : hostAt(own, `${place}.Service.Address`)
  return {
    // The id is unique at its node only.
    name: `${nodeName}/${id}`,
    hosts: [host],
    port: integerAt(port, `${place}.Service.Port`, 1, 65_535),
    weight: weightOf(service, place),
    tier: undefined,
  }
}

/** Of instances whose checks pass, which are the only ones that are asked for. */
function weightOf({ Weights: weights }: JsonObject, place: string): number | undefined {
  if (!isObject(weights) || weights.Passing === undefined) return undefined
  return integerAt(weights.Passing, `${place}.Service.Weights.Passing`, 0, WEIGHT_MAX)
}
