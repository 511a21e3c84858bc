/** The phase `asking`: MAVIS decides whether the client gets a remote. */
import { authorize } from '../../admission/authorization.js'
import type { Refusal, Verdict } from '../../base/authorization.js'
import { add, COUNT } from '../../observe/counters.js'
import { hostOf } from '../peer-name.js'
import type { OpeningHandler } from '../phase-handler.js'
import type { Session } from '../session.js'
import { identityOf } from './client-identity.js'
import type { Answer, Questions } from './questions.js'

export const ASKING: OpeningHandler = {
  isNeeded: ({ relay }) => relay.options.asks !== undefined,
  begin: ask,
  onReady: askingReady,
  onTimer: askingTimer,
  // The client's bytes stay in the kernel until a remote is connected.
  onTurn: () => {},
}

/** Asks MAVIS about the client of a session; the answer comes by `answered`, unless it can be decided at once. */
function ask(session: Session): void {
  const { counters, loop, options, questions } = session.relay
  if (options.asks === undefined) throw new Error('a configuration without MAVIS asks about nobody')
  const { about, timeoutMs } = options.asks
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

/** Applies answers of the control thread; sessions that have ended meanwhile are skipped. */
export function answered(questions: Questions, answers: readonly Answer[]): void {
  for (const [token, verdict] of answers) {
    const session = questions.take(token)
    if (session !== undefined) onVerdict(session, verdict)
  }
}

/** Only errors end the session: bytes stay in the socket, and a FIN may be a half-close. */
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
  session.advance()
}

function refuse(session: Session, refusal: Refusal, comment: string): void {
  const { listeners, loop, warnings } = session.relay
  const { client: peer, listenerSlot, user } = session
  const listener = session.listener || (listeners[listenerSlot]?.name ?? 'the master')
  session.comment = comment
  warnings.reportRefusal(loop.nowMs, { peer, user, listener, refusal, comment })
  session.cut(`mavis-${refusal}`)
}

/** The local address of the client's connection; '' if the kernel does not report it. */
function serverOf({ client, relay }: Session): string {
  const { blocks, system } = relay
  return system.calls.localAddress(client.fd, blocks.scratch) < 0 ? '' : hostOf(blocks.scratch.bytes)
}
