/** Notes how sessions got their remotes: in shared memory, for the head, and for `why=` in the access log. */
import { Census, KEPT } from '../../balance/census.js'
import { SKIP_REASONS } from '../../balance/skip-reason.js'
import type { DecisionWriter } from '../../observe/decision-ring.js'
import type { RelayPool } from '../relay-pools.js'
import type { Session } from '../session.js'
import { BY_DEFAULT, BY_LISTENER } from './decided-by.js'

/** One for all pools of a generation. Allocates nothing unless reasons are logged. */
export class DecisionNotes {
  /** Of the choice that was made last. */
  readonly census: Census
  readonly #writer: DecisionWriter
  readonly #logsReasons: boolean

  constructor(writer: DecisionWriter, logsReasons: boolean) {
    this.census = new Census({ countsAll: logsReasons })
    this.#writer = writer
    this.#logsReasons = logsReasons
  }

  /** The pool of a dialling session has chosen a slot for it, NONE or FULL. */
  note(session: Session, slot: number): void {
    const { decidedBy, dialling, listenerSlot, relay } = session
    const { service } = dialling
    const { candidates, seed, skipped } = this.census
    const writer = this.#writer
    writer.begin(relay.loop)
    writer.listener = listenerSlot
    writer.rule = decidedBy
    writer.pool = service.index
    writer.remote = slot
    writer.attempts = dialling.choices++
    writer.draw = service.key === undefined ? seed : dialling.key
    writer.candidates = candidates
    writer.setSkipped(skipped)
    writer.end()
    if (this.#logsReasons) session.why = whyText(session, service, this.census)
  }
}

/** `relay.cfg:12>web>least-use>2/4,down:1,full:1` */
function whyText(session: Session, { policy, pool }: RelayPool, { candidates, skipped }: Census): string {
  const start = `${ruleText(session)}>${pool.name}>`
  if (candidates === KEPT) return `${start}sticky`
  let text = `${start}${policy}>${candidates}/${pool.members.length}`
  for (const [index, reason] of SKIP_REASONS.entries()) {
    const count = skipped[index] as number
    if (count > 0) text += `,${reason}:${count}`
  }
  return text
}

function ruleText({ decidedBy, relay }: Session): string {
  if (decidedBy === BY_LISTENER) return 'listener'
  if (decidedBy === BY_DEFAULT) return 'default'
  const rule = relay.routing?.ruleOf(decidedBy) ?? ''
  // The directory is left out, so that the whole text fits into a field.
  return rule.slice(rule.lastIndexOf('/') + 1)
}
