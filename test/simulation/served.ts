import assert from 'node:assert/strict'
import type { AccessRecord } from '../../src/observe/access-line.js'
import type { Actor } from './actor.js'

/** What the peers of an ended session may have seen, by its line of the access log. */
export function assertServed(client: Actor, record: AccessRecord): void {
  const { reason } = record
  // A server that answered when the relay had just given up waiting was never this client's, and a connection in the
  // backlog of a Unix server may never get one.
  const server = record.remote === '' ? undefined : client.other
  if (server === undefined) {
    const isClean = client.sawEnd && client.socket.hasReset
    assert.equal(isClean, false, `client ${client} was never connected and saw a clean end`)
    return
  }
  assertStream('client', client, server, reason)
  assertStream('server', server, client, reason)
  if (reason === 'done') return
  for (const [actor, peer] of [
    [client, server],
    [server, client],
  ] as const) {
    // The side whose peer broke must see it, unless it has broken or closed itself.
    const isWitness = !actor.hasReset && !actor.hasClosed && !(peer.hasEnded && actor.hasEnded)
    if (isWitness) assert.ok(sawCut(actor), `${reason}: ${actor} got no reset`)
  }
}

/** A Unix socket has no reset: the end of a cut session looks like any other end. */
function sawCut({ sawEnd, sawReset, socket }: Actor): boolean {
  return sawReset || (sawEnd && !socket.hasReset)
}

/** What `actor` received of the stream of `from`. */
function assertStream(side: string, actor: Actor, from: Actor, reason: string): void {
  const { bytes, length } = actor.got
  const claim = (holds: boolean, otherwise: string) => {
    // Only a failure is worth a description of the actor.
    if (!holds) assert.fail(`${side} ${actor}: ${otherwise} (received ${length} of ${from.sent} bytes)`)
  }
  const wrong = bytes.findIndex((byte, offset) => byte !== from.byteAt(offset))
  claim(wrong === -1, `wrong byte at ${wrong}`)
  claim(length <= from.sent, 'more bytes than were sent')
  if (actor.sawEnd && (reason === 'done' || actor.socket.hasReset)) {
    claim(from.hasEnded, 'an end that was not sent')
    claim(length === from.sent, 'an end before the last byte')
  }
  if (reason === 'done' && !actor.hasReset && !actor.hasClosed) {
    claim(length === from.sent, 'bytes lost in a session that ended in order')
    claim(actor.sawEnd, 'no end in a session that ended in order')
  }
  // Ends that the relay decides, and ends before a remote answers, promise nothing.
  const isPassedOn = reason === 'client-reset' || reason === 'remote-reset'
  const isWitness = !actor.hasReset && !actor.hasClosed && sawCut(actor)
  if (isPassedOn && from.hasReset && isWitness) {
    const due = from.socket.receivedBeforeReset
    claim(length >= due, `${due} bytes came before the reset`)
  }
}
