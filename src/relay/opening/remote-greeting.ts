/**
 * The greeting of a remote, where its client has had that of the listener (`starttls.ts`): it is read and dropped before the
 * session relays. Nothing is sent before it: servers reject clients that speak first.
 */
import type { Outcome } from '../../kernel/calls.js'
import { ECONNREFUSED, ECONNRESET, ENOMEM } from '../../kernel/errno.js'
import {
  GREETING_BAD,
  GREETING_INCOMPLETE,
  type GreetingProtocol,
  GreetingReader,
  hasGreeting,
} from '../../wire/starttls/greeting-reader.js'
import type { Session } from '../session.js'
import { receiveFirst } from '../transfer/messages.js'
import { hasTls } from './target-address.js'

/** Whether something comes before the client's bytes: TLS, or a greeting to read. */
export function hasOpening(session: Session): boolean {
  return hasTls(session) || greetingProtocol(session) !== undefined
}

/** The reader for the greeting of the current attempt; undefined: it has none to be dropped. */
export function greetingOf(session: Session): GreetingReader | undefined {
  const protocol = greetingProtocol(session)
  return protocol && new GreetingReader(protocol)
}

function greetingProtocol({ listenerSlot, relay }: Session): GreetingProtocol | undefined {
  const protocol = relay.listeners[listenerSlot]?.starttls?.protocol
  return protocol !== undefined && hasGreeting(protocol) ? protocol : undefined
}

/** Reads on: 0 when the greeting is complete, -EAGAIN or -EINTR while it is not, or the negated error of the attempt. */
export function dropGreeting(session: Session): Outcome {
  const { dialling, relay, remote, toClient } = session
  const { greeting } = dialling
  const { blocks, system } = relay
  if (greeting === undefined) throw new Error('a remote without a greeting')
  for (;;) {
    const got = receiveFirst(toClient, system.calls, blocks)
    if (got < 0) return got
    if (got === 0) return remote.error === 0 ? -ECONNRESET : -remote.error
    const taken = greeting.read(blocks.scratch.bytes, got)
    if (taken === GREETING_BAD) return -ECONNREFUSED
    if (taken === GREETING_INCOMPLETE) continue
    return keepRest(session, taken, got)
  }
}

/** What the remote has sent behind its greeting is for the client. */
function keepRest({ relay, remote, toClient }: Session, from: number, byteCount: number): Outcome {
  // The loop does not report again what has come meanwhile.
  remote.mayRead = true
  if (from === byteCount) return 0
  const block = relay.blocks.keepScratch()
  if (block === undefined) return -ENOMEM
  toClient.hold(block, from, byteCount - from)
  return 0
}
