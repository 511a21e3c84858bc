import { authorize } from '../../admission/authorization.js'
import type { Refusal, Verdict } from '../../base/authorization.js'
import { add, COUNT } from '../../observe/counters.js'
import type { Asking } from '../options.js'
import { hostOf } from '../peer-name.js'
import type { PhaseHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { dial } from './attempts.js'
import { identityOf } from './client-identity.js'
import type { Answer, Questions } from './questions.js'

export const ASKING: PhaseHandler = {
  onReady: askingReady,
  onTimer: askingTimer,
  // What the client sends stays in the kernel until there is a remote.
  onTurn: () => {},
}

/** Whether a session that is `asking` may have a remote: answered by `answered`, if not at once. */
export function ask(session: Session, { about, timeoutMs }: Asking): void {
  const { counters, loop, questions } = session.relay
  const { client } = session
  const facts = client.tlsFacts ?? client.tls?.facts()
  const identity = identityOf(facts)
  const admission = authorize(about, identity)
  if (admission === 'no-identity') {
    refuse(session, admission, '')
    return
  }
  if (about === 'user') session.user = identity?.user ?? ''
  const isAsked = questions.ask(session, {
    childSlot: session.birthChild,
    client: hostOf(session.peer),
    server: serverOf(session),
    realm: session.realm,
    serverName: facts?.serverName ?? client.hello?.serverName,
    identity,
  })
  if (isAsked) {
    add(counters, COUNT.mavisAsked, 1)
    session.setTimer(loop.nowMs + timeoutMs)
  } else refuse(session, 'busy', '')
}

/** The control thread answers; sessions that are gone meanwhile are no news. */
export function answered(questions: Questions, answers: readonly Answer[]): void {
  for (const [token, verdict] of answers) {
    const session = questions.take(token)
    if (session !== undefined) onVerdict(session, verdict)
  }
}

/** News of the client's socket while it waits: what it sends stays there, its end may be half of one. */
function askingReady({ client }: Session): void {
  if (client.error !== 0) client.session.fail('client-left', client.error)
}

function askingTimer(session: Session): void {
  refuse(session, 'timeout', '')
}

function onVerdict(session: Session, verdict: Verdict): void {
  if (!verdict.isPermitted) {
    refuse(session, verdict.refusal, verdict.comment)
    return
  }
  session.unsetTimer()
  session.enter('dialling')
  dial(session)
}

function refuse(session: Session, refusal: Refusal, comment: string): void {
  const { listenerNames, loop, warnings } = session.relay
  const { client: peer, listenerSlot, user } = session
  const listener = session.listener || (listenerNames[listenerSlot] ?? 'the master')
  session.comment = comment
  warnings.reportRefusal(loop.nowMs, { peer, user, listener, refusal, comment })
  session.cut(`mavis-${refusal}`)
}

/** '' where the kernel does not say. */
function serverOf({ client, relay }: Session): string {
  const { blocks, system } = relay
  return system.calls.localAddress(client.fd, blocks.scratch) < 0 ? '' : hostOf(blocks.scratch.bytes)
}
