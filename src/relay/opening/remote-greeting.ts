/**
 * The greeting of a remote, where its client has had that of the listener (`starttls.ts`): it is read and dropped before the
 * session relays. Nothing is sent before it: servers reject clients that speak first.
 */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, ECONNREFUSED, ECONNRESET } from '../../kernel/errno.js'
import { type ClientStep, MORE, REFUSED } from '../../wire/starttls/client-step.js'
import { GREETINGS, lastLine } from '../../wire/starttls/client-text.js'
import type { Session } from '../session.js'
import { gatherBytes, isGatheringOver } from '../transfer/first-bytes.js'
import { lookForNoOther, setDeadline } from './attempt-timer.js'
import { quoted } from './plain-opening.js'
import { hasTls } from './target-address.js'

const BY_PROTOCOL: Readonly<Record<string, ClientStep | undefined>> = GREETINGS

/** Whether something comes before the client's bytes: TLS, or a greeting to read. */
export function hasOpening(session: Session): boolean {
  return hasTls(session) || greetingOf(session) !== undefined
}

function greetingOf({ listenerSlot, relay }: Session): ClientStep | undefined {
  const protocol = relay.listeners[listenerSlot]?.starttls?.protocol
  return protocol && BY_PROTOCOL[protocol]
}

/**
 * Goes on from where the last call stopped: 0 when the greeting is complete or there is none to drop, -EAGAIN while it waits for
 * the socket or a turn, or another negated errno, with `dialling.reason` if there is more to say.
 */
export function dropGreeting(session: Session): Outcome {
  const { dialling, relay, remoteSlot, toClient } = session
  const greeting = greetingOf(session)
  if (greeting === undefined) return 0
  // It came before TLS, and is held for the client.
  if (relay.tls.remotes[remoteSlot]?.opening?.hasGreeting === true) {
    session.dropHeld(toClient)
    return 0
  }
  if (!dialling.awaitsGreeting) {
    dialling.awaitsGreeting = true
    setDeadline(session, Number.POSITIVE_INFINITY)
    lookForNoOther(session)
  }
  let outcome: Outcome | typeof MORE
  do outcome = gatherBytes(session, toClient) ? verdict(session, greeting) : -EAGAIN
  while (outcome === MORE)
  // The next attempt has another socket.
  if (outcome < 0) toClient.hasEnded = false
  return outcome > 0 ? keepRest(session, outcome) : outcome
}

/** The length of the greeting in what is held, MORE, or the negated error of the attempt. */
function verdict({ dialling, remote, toClient }: Session, greeting: ClientStep): Outcome {
  const { held, heldBytes } = toClient
  if (remote.error !== 0) return -remote.error
  if (held === undefined) return toClient.hasEnded ? -ECONNRESET : MORE
  const answer = greeting.read(held.bytes, 0, heldBytes)
  if (answer > 0) return answer
  if (answer === MORE) {
    if (toClient.hasEnded) return -ECONNRESET
    if (!isGatheringOver(toClient)) return MORE
  }
  const received = held.bytes.subarray(0, heldBytes)
  dialling.reason = `its greeting is ${quoted(answer === REFUSED ? lastLine(received, 0, heldBytes) : received)}`
  return -ECONNREFUSED
}

/** What the remote has sent behind its greeting is for the client. */
function keepRest({ relay, remote, toClient }: Session, greetingBytes: number): Outcome {
  toClient.heldOffset += greetingBytes
  toClient.heldBytes -= greetingBytes
  if (toClient.heldBytes === 0) toClient.releaseBlock(relay.blocks)
  // The loop does not report again what has come meanwhile.
  remote.mayRead = true
  return 0
}
