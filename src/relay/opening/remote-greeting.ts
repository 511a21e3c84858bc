/**
 * The greeting of a remote, where its client has had that of the listener (`starttls.ts`): it is read and dropped before the
 * session relays. Nothing is sent before it: servers reject clients that speak first.
 */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNREFUSED, ECONNRESET, EINTR, ENOMEM } from '../../kernel/errno.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import {
  GREETING_BAD,
  GREETING_INCOMPLETE,
  type GreetingProtocol,
  GreetingReader,
  hasGreeting,
} from '../../wire/starttls/greeting-reader.js'
import type { Session } from '../session.js'
import { receiveFirst } from '../transfer/messages.js'
import { lookForNoOther, setDeadline } from './attempt-timer.js'
import { hasTls } from './target-address.js'

/** Whether something comes before the client's bytes: TLS, or a greeting to read. */
export function hasOpening(session: Session): boolean {
  return hasTls(session) || greetingProtocol(session) !== undefined
}

function greetingProtocol({ listenerSlot, relay }: Session): GreetingProtocol | undefined {
  const protocol = relay.listeners[listenerSlot]?.starttls?.protocol
  return protocol !== undefined && hasGreeting(protocol) ? protocol : undefined
}

/**
 * Goes on from where the last call stopped: 0 when the greeting is complete or there is none to drop, -EAGAIN while it waits for
 * the socket or a turn, or another negated errno, with `dialling.reason` if there is more to say.
 */
export function dropGreeting(session: Session): Outcome {
  const { dialling, relay, remote, remoteSlot } = session
  const protocol = greetingProtocol(session)
  if (protocol === undefined) return 0
  // Its greeting came before TLS, and is held for the client.
  if (relay.tls.remotes[remoteSlot]?.opening?.hasGreeting === true) {
    session.dropHeld(session.toClient)
    return 0
  }
  if (dialling.greeting === undefined) {
    dialling.greeting = new GreetingReader(protocol)
    setDeadline(session, Number.POSITIVE_INFINITY)
    lookForNoOther(session)
  }
  const outcome = readGreeting(session, dialling.greeting)
  dialling.reason = dialling.greeting.problem
  if (outcome === -EAGAIN) session.again(remote, remote.readsWhenWritable ? WRITABLE : READABLE)
  else if (outcome === -EINTR) session.runLater(session.toClient)
  return outcome === -EINTR ? -EAGAIN : outcome
}

function readGreeting(session: Session, greeting: GreetingReader): Outcome {
  const { relay, remote, toClient } = session
  const { blocks, system } = relay
  for (;;) {
    const got = receiveFirst(toClient, system.calls, blocks)
    if (got < 0) return got
    if (got === 0) return remote.error === 0 ? -ECONNRESET : -remote.error
    const taken = greeting.read(blocks.scratch.bytes, got)
    if (taken === GREETING_BAD) return -ECONNREFUSED
    if (taken !== GREETING_INCOMPLETE) return keepRest(session, taken, got)
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
