/** The source `http`: a document with all members, which is asked for at an interval, and sent only when it has changed. */
import type { HttpPlan } from '../discover-plan.js'
import { JsonHttp } from '../http/json-http.js'
import { readSecret } from '../http/server-files.js'
import { readMembers } from '../json-members.js'
import { type Round, runRounds } from '../rounds.js'
import type { FoundMember, Source, SourceEvents } from '../source.js'
import { SourceFailure } from '../source-failure.js'
import { SOURCE_TIMES, type SourceTimes } from '../source-times.js'

/** Part of the interval by which it varies, so that many relays do not ask together. */
const JITTER = 0.1

export function openHttp(plan: HttpPlan, events: SourceEvents, times: SourceTimes = SOURCE_TIMES): Source {
  const document = new Document(plan)
  return runRounds(events, times, async (round) => {
    round.answer(await document.members(round))
    await round.pause(plan.intervalMs * (1 + JITTER * (2 * times.random() - 1)))
  })
}

class Document {
  readonly #plan: HttpPlan
  readonly #http: JsonHttp
  /** Of the last answer. */
  #tag: string | undefined
  #members: readonly FoundMember[] = []

  constructor(plan: HttpPlan) {
    this.#plan = plan
    this.#http = new JsonHttp(plan)
  }

  async members({ signal }: Pick<Round, 'signal'>): Promise<readonly FoundMember[]> {
    const { headers, url } = this.#plan
    const token = await this.#token()
    const answer = await this.#http.ask(
      {
        url,
        headers: {
          ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
          ...Object.fromEntries(headers),
          ...(this.#tag === undefined ? {} : { 'If-None-Match': this.#tag }),
        },
        secrets: [...(token === undefined ? [] : [token]), ...headers.map(([, value]) => value)],
      },
      signal,
    )
    if (answer.value === undefined) {
      if (this.#tag === undefined) throw new SourceFailure('HTTP 304, and no document was there before')
      return this.#members
    }
    const members = readMembers(answer.value)
    this.#members = members
    this.#tag = answer.headers.etag
    return members
  }

  async #token(): Promise<string | undefined> {
    const { tokenFile } = this.#plan
    return tokenFile === undefined ? undefined : readSecret(tokenFile)
  }
}
