/**
 * The opening of STARTTLS towards a remote. Answers are received into a block of the direction to the client, because that
 * gets the greeting of the server. Nothing that was received before TLS is taken for a part of it.
 */
import type { Outcome } from '../../kernel/calls.js'
import { EAGAIN, EBADMSG, EINTR, ENOMEM } from '../../kernel/errno.js'
import type { Region } from '../../kernel/region.js'
import { cut, printable } from '../../observe/log.js'
import { READABLE, WRITABLE } from '../../reactor/poller.js'
import {
  ANSWER_BYTES_MAX,
  type ClientOpening,
  type ClientStep,
  MORE,
  problemOf,
} from '../../wire/starttls/client-step.js'
import type { Session } from '../session.js'
import { lookForNoOther } from './attempt-timer.js'

/** Enough to recognise an answer. */
const QUOTED_BYTES_MAX = 80

/**
 * Goes on from where the last call stopped: 0 when TLS may begin, -EAGAIN while it waits for the socket, or another negated
 * errno, with `dialling.reason` if the server has not agreed.
 */
export function speakOpening(session: Session, opening: ClientOpening): Outcome {
  const { dialling, relay, toClient } = session
  if (toClient.held === undefined) {
    const block = relay.blocks.keepScratch()
    if (block === undefined) return -ENOMEM
    toClient.hold(block, 0, 0)
    lookForNoOther(session)
  }
  for (;;) {
    const step = opening.steps[dialling.openingStep]
    if (step === undefined) break
    const outcome = takeStep(session, opening, step, toClient.held as Region)
    if (outcome < 0) return outcome
    dialling.openingStep++
    dialling.requestBytesSent = 0
  }
  dialling.awaited = ''
  if (toClient.heldBytes === 0) toClient.releaseBlock(relay.blocks)
  return 0
}

/** Sends the request of a step and receives the answer: 0 if that permits the next one. */
function takeStep(session: Session, opening: ClientOpening, step: ClientStep, block: Region): Outcome {
  const { dialling, toClient } = session
  dialling.awaited = step.what
  const sent = sendRequest(session, step.request)
  if (sent < 0) return sent
  for (;;) {
    const { greetingBytes } = dialling
    const got = receive(session, block)
    if (got < 0) return got
    toClient.heldBytes += got
    const received = { bytes: block.bytes, start: greetingBytes, end: toClient.heldBytes }
    const answer = step.read(received.bytes, received.start, received.end)
    const problem = problemOf(opening, step, answer, received, quoted)
    if (problem !== '') return failed(session, problem)
    if (answer === MORE) continue
    // Answers that the client does not get make room for the next one.
    if (opening.hasGreeting && dialling.openingStep === 0)
      dialling.greetingBytes = opening.cleanGreeting(received.bytes, received.start, received.end)
    toClient.heldBytes = dialling.greetingBytes
    return 0
  }
}

/** Sends a request, or the rest of it: 0 if that is done, -EAGAIN while the socket is full, or another negated errno. */
export function sendRequest(session: Session, request: Uint8Array): Outcome {
  const { dialling, relay, remote } = session
  const { scratch } = relay.blocks
  while (dialling.requestBytesSent < request.length) {
    scratch.bytes.set(request)
    const from = dialling.requestBytesSent
    const took = relay.system.calls.send(remote.fd, scratch, from, request.length - from)
    if (took === -EAGAIN) session.again(remote, WRITABLE)
    if (took >= 0) {
      dialling.requestBytesSent += took
      // The next request is a second send.
      remote.neverDelay(relay.system.calls)
    } else if (took !== -EINTR) return took
  }
  return 0
}

/** Receives bytes behind those that the block has; -EAGAIN if there are none yet. */
function receive(session: Session, block: Region): Outcome {
  const { dialling, relay, remote, toClient } = session
  const { greetingBytes } = dialling
  const room = greetingBytes + ANSWER_BYTES_MAX - toClient.heldBytes
  let got: Outcome
  do got = relay.system.calls.recv(remote.fd, block, toClient.heldBytes, room)
  while (got === -EINTR)
  if (got === 0) return failed(session, `STARTTLS failed: closed before the ${dialling.awaited}`)
  if (got === -EAGAIN) {
    remote.mayRead = false
    session.again(remote, READABLE)
  }
  return got
}

function failed({ dialling }: Session, reason: string): Outcome {
  dialling.reason = reason
  return -EBADMSG
}

/** Bytes of a server for a log line. */
export function quoted(bytes: Uint8Array): string {
  const text = String.fromCharCode(...bytes.subarray(0, QUOTED_BYTES_MAX + 1))
  return `"${printable(cut(text, QUOTED_BYTES_MAX))}"`
}
