/** Notes how a session got its remote: for `why=` in the access log. */
import { Census, KEPT } from '../../balance/census.js'
import { SKIP_REASONS } from '../../balance/skip-reason.js'
import type { RelayPool } from '../relay-pools.js'
import type { Session } from '../session.js'
import { BY_DEFAULT, BY_LISTENER } from './decided-by.js'

/** One for all pools of a generation. */
export class DecisionNotes {
  /** Of the choice that was made last. */
  readonly census = new Census({ countsAll: true })

  /** A pool has made its choice for a session. */
  note(session: Session, service: RelayPool): void {
    session.why = whyText(session, service, this.census)
  }
}

/** `relay.cfg:12>web>least-use>2/4,down:1,full:1` */
function whyText(session: Session, { policy, pool }: RelayPool, { candidates, skipped }: Census): string {
  const from = `${ruleText(session)}>${pool.name}>`
  if (candidates === KEPT) return `${from}sticky`
  let text = `${from}${policy}>${candidates}/${pool.members.length}`
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
