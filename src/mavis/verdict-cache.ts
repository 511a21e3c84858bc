import { createHash } from 'node:crypto'
import type { Question, Verdict } from '../base/authorization.js'
import { BoundedTable } from './bounded-table.js'

/** Answers of the chain, for `mavis cache timeout`, to who asks the same again. */
export class VerdictCache {
  readonly #timeoutMs: number
  readonly #verdicts: BoundedTable<Verdict>

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    this.#verdicts = new BoundedTable(timeoutMs)
  }

  get size(): number {
    return this.#verdicts.size
  }

  find(question: Question, nowMs: number): Verdict | undefined {
    return this.#verdicts.get(keyOf(question), nowMs)?.value
  }

  /** Only what modules have said of the client is kept, not that they could not. */
  keep(question: Question, verdict: Verdict, nowMs: number): void {
    if (!verdict.isPermitted && (verdict.refusal === 'error' || verdict.refusal === 'timeout')) return
    this.#verdicts.set(keyOf(question), verdict, nowMs + this.#timeoutMs)
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
