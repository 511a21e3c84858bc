import { createHash } from 'node:crypto'
import type { Question, Verdict } from '../base/authorization.js'
import { BoundedTable } from '../base/bounded-table.js'

/** Caches verdicts for `mavis cache timeout`, by all that the modules see of a client. */
export class VerdictCache {
  readonly #timeoutMs: number
  readonly #verdicts: BoundedTable<Verdict>

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs
    // Purged as often as entries expire.
    this.#verdicts = new BoundedTable(timeoutMs)
  }

  get size(): number {
    return this.#verdicts.size
  }

  find(question: Question, nowMs: number): Verdict | undefined {
    return this.#verdicts.get(keyOf(question), nowMs)?.value
  }

  /** Keeps a verdict, unless it is only a failure or timeout of the modules. */
  keep(question: Question, verdict: Verdict, nowMs: number): void {
    if (!verdict.isPermitted && (verdict.refusal === 'error' || verdict.refusal === 'timeout')) return
    this.#verdicts.set(keyOf(question), verdict, nowMs + this.#timeoutMs)
  }
}

/** Everything in the question that modules can see. */
function keyOf({ client, identity, realm, server, serverName }: Question): string {
  // A digest: a certificate may have some kilobytes.
  const who =
    identity?.kind === 'certificate'
      ? ['certificate', createHash('sha256').update(identity.der).digest('base64')]
      : [identity?.kind, identity?.user]
  return JSON.stringify([client, server, realm, serverName, ...who])
}
