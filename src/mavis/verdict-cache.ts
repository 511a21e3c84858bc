import { createHash } from 'node:crypto'
import type { Question, Verdict } from '../base/authorization.js'

/** Answers that are kept at most: some megabytes. */
const ENTRIES_MAX = 10_000

/** Answers of the chain, for `mavis cache timeout`, to who asks the same again. The oldest goes when there is no more room. */
export class VerdictCache {
  readonly #timeoutMs: number
  readonly #verdicts = new Map<string, { readonly verdict: Verdict; readonly untilMs: number }>()

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
  }

  get size(): number {
    return this.#verdicts.size
  }

  find(question: Question, nowMs: number): Verdict | undefined {
    const key = keyOf(question)
    const found = this.#verdicts.get(key)
    if (found !== undefined && found.untilMs > nowMs) return found.verdict
    this.#verdicts.delete(key)
    return undefined
  }

  /** Only what modules have said of the client is kept, not that they could not. */
  keep(question: Question, verdict: Verdict, nowMs: number): void {
    if (!verdict.isPermitted && (verdict.refusal === 'error' || verdict.refusal === 'timeout')) return
    const key = keyOf(question)
    this.#verdicts.delete(key)
    this.#verdicts.set(key, { verdict, untilMs: nowMs + this.#timeoutMs })
    const [oldest] = this.#verdicts.keys()
    if (this.#verdicts.size > ENTRIES_MAX && oldest !== undefined) this.#verdicts.delete(oldest)
  }
}

/** All that modules are told of the client. */
function keyOf({ client, identity, realm, server, serverName }: Question): string {
  const who =
    identity?.kind === 'certificate'
      ? ['certificate', createHash('sha256').update(identity.der).digest('base64')]
      : [identity?.kind, identity?.user]
  return JSON.stringify([client, server, realm, serverName, ...who])
}
