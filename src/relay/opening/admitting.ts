/** The phase `admitting`: access rules about what has been read of the client, such as its server name or certificate. */
import type { RuleRefusal } from '../../admission/rule-lists.js'
import type { RuledClient } from '../context.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { closeInOrder } from './close-in-order.js'

/** It never waits for an event. */
export const ADMITTING: OpeningHandler = {
  isNeeded: ({ listenerSlot, relay }) => relay.clientRules?.needsFacts(listenerSlot) ?? false,
  begin: admit,
  onReady: () => {},
  onTimer: () => {},
  onTurn: () => {},
}

function admit(session: Session): void {
  const { clientRules, facts } = session.relay
  const refusal = clientRules?.againstClient(ruledClient(session), facts.of(session))
  if (refusal === undefined) session.advance()
  else reject(session, refusal)
}

export function ruledClient(session: Session): RuledClient {
  const { client, isNamed, listenerSlot, peer, relay } = session
  const listener = session.listener || (relay.listeners[listenerSlot]?.name ?? 'the master')
  return { fd: client.fd, peer, isNamed, listenerSlot, listener }
}

/** Ends the session of a client that access rules reject. */
export function reject(session: Session, { reason, rule }: RuleRefusal): void {
  session.rule = rule
  closeInOrder(session, reason)
}
