/** Freezing and thawing: moves a session to another reactor. */
import { invariant } from '../../base/invariant.js'
import type { Fd } from '../../kernel/calls.js'
import type { SocketKind } from '../../kernel/socket-kind.js'
import type { ProxyTlvs } from '../../wire/proxy/tlvs.js'
import type { Connection } from '../connection.js'
import { type FrozenPlace, takeOverPlaces } from '../opening/limit-places.js'
import type { Session } from '../session.js'
import type { ClientHash } from '../stickiness.js'
import type { Direction } from '../transfer/direction.js'
import type { Pipe } from '../transfer/pipes.js'
import { keepAliveLater, waitForQuiet } from '../transfer/relaying.js'
import { guardSession } from '../transfer/session-guard.js'
import { TRANSPORTS } from '../transfer/transports.js'
import { UNIX } from '../transfer/unix-transport.js'

/** A session as plain data: what another reactor, in this or another process, needs to resume it. */
export interface Frozen {
  /** With `idPrefix` and `sequence`: the identity of the session, which does not change when it is moved. */
  readonly birthChild: number
  readonly idPrefix: string
  readonly sequence: number
  readonly listenerSlot: number
  readonly remoteSlot: number
  readonly host: string
  /** By which a sticky pool recognises its client. */
  readonly clientHash: ClientHash | undefined
  /** Its places of limits, which remain taken. */
  readonly limitPlaces: readonly FrozenPlace[]
  /** For its line of the access log. */
  readonly failedAttempts: string
  readonly why: string
  readonly queuedMs: number
  /** Times of CLOCK_MONOTONIC, which all processes of a machine share. */
  readonly acceptedAtMs: number
  readonly lastActiveMs: number
  /** As `Peers` has it. */
  readonly peer: Uint8Array
  readonly via: string
  readonly tlvs: ProxyTlvs | undefined
  readonly client: FrozenConnection
  readonly remote: FrozenConnection
  readonly toRemote: FrozenDirection
  readonly toClient: FrozenDirection
}

/** The descriptor is open and not watched. */
interface FrozenConnection {
  readonly fd: Fd
  readonly transport: SocketKind
  readonly hasPeerEnded: boolean
  readonly hasUrgent: boolean
}

interface FrozenDirection {
  /** Bytes read from the source and not yet sent to the sink. */
  readonly held: Uint8Array
  /** A pipe with such bytes, whose descriptors are open. */
  readonly pipe: Pipe | undefined
  readonly hasEnded: boolean
  readonly isDone: boolean
  readonly bytes: number
}

/**
 * Removes a session from the loop and returns its state; the caller releases the record. Returns 'later' for sessions
 * that are being opened or have a failed side: they change by themselves within seconds.
 */
export function freezeSession(session: Session): Frozen | 'later' {
  const isAtRest = session.phase === 'relaying' || session.phase === 'draining'
  if (!isAtRest || session.broken !== undefined) return 'later'
  // An error that was reported is not reported again: the side fails once its last bytes are read.
  if (session.client.error !== 0 || session.remote.error !== 0) return 'later'
  if (!session.client.transport.canFreeze || !session.remote.transport.canFreeze) return 'later'
  // Its first bytes are still to be checked for TLS.
  if (session.client.mustBePlain) return 'later'
  const frozen: Frozen = {
    birthChild: session.birthChild,
    idPrefix: session.idPrefix,
    sequence: session.sequence,
    listenerSlot: session.listenerSlot,
    remoteSlot: session.remoteSlot,
    host: session.host,
    clientHash: session.sticky?.hash,
    limitPlaces: session.limitPlaces?.frozen ?? [],
    failedAttempts: session.failedAttempts,
    why: session.why,
    queuedMs: session.queuedMs,
    acceptedAtMs: session.acceptedAtMs,
    lastActiveMs: session.lastActiveMs,
    peer: session.peer.slice(),
    via: session.via,
    tlvs: session.tlvs,
    client: freezeConnection(session.client),
    remote: freezeConnection(session.remote),
    toRemote: freezeDirection(session.toRemote),
    toClient: freezeDirection(session.toClient),
  }
  const { pipes } = session.relay
  session.unsetTimer()
  session.endLimits()
  // Not `forget`, because the descriptors stay open.
  for (const connection of [session.client, session.remote]) session.unwatch(connection)
  for (const way of [session.toRemote, session.toClient]) {
    // The pipe belongs to the frozen session from here on: `dropHeld` would return it to the pool.
    if (way.pipe !== undefined) pipes.disown(way.pipe)
    way.pipe = undefined
    session.dropHeld(way)
    way.isDone = true
  }
  // `close` would close the descriptors and count an end.
  session.resume('closed')
  return frozen
}

/**
 * Restores a frozen session in a free record and runs both directions at once, since readiness is not
 * reported again. Throws when a socket cannot be watched or memory is lacking.
 */
export function thawSession(session: Session, frozen: Frozen): void {
  const { options, peers, pools, remotes } = session.relay
  session.birthChild = frozen.birthChild
  session.idPrefix = frozen.idPrefix
  session.sequence = frozen.sequence
  session.listenerSlot = frozen.listenerSlot
  session.remoteSlot = frozen.remoteSlot
  session.host = frozen.host
  const service = pools.ofRemote(frozen.remoteSlot)
  invariant(service !== undefined, 'a frozen session of a remote without a pool', frozen.remoteSlot)
  const { label, pool, sticky } = service
  session.meteredPool = pool.observes === 'bytes' ? pool : undefined
  session.sticky = frozen.clientHash && sticky?.client(frozen.clientHash)
  session.pool = label
  session.options = pools.optionsOf(service, frozen.listenerSlot)
  // The relay that froze the session has given it back (`Relay.freeze`).
  remotes.takeOver(frozen.remoteSlot)
  takeOverPlaces(session, frozen.limitPlaces)
  session.failedAttempts = frozen.failedAttempts
  session.why = frozen.why
  session.queuedMs = frozen.queuedMs
  session.acceptedAtMs = frozen.acceptedAtMs
  session.lastActiveMs = frozen.lastActiveMs
  session.wasConnected = true
  session.via = frozen.via
  session.tlvs = frozen.tlvs
  // Not as a Unix address: the bytes are already in the stored form, so all of them are copied.
  if (options.notesPeers) peers.note(session.record, frozen.peer, false)
  thawDirection(session.toRemote, frozen.toRemote)
  thawDirection(session.toClient, frozen.toClient)
  session.resume(frozen.toRemote.isDone || frozen.toClient.isDone ? 'draining' : 'relaying')
  thawConnection(session.client, frozen.client)
  thawConnection(session.remote, frozen.remote)
  keepAliveLater(session)
  waitForQuiet(session)
  guardSession(session)
  if (session.isGuarded) session.guard?.resumeRelaying()
  session.run(session.toRemote)
  // The first run may have ended the session.
  if (session.phase === 'relaying' || session.phase === 'draining') session.run(session.toClient)
}

function freezeConnection({ fd, transport, hasPeerEnded, hasUrgent }: Connection): FrozenConnection {
  return { fd, transport: transport === UNIX ? 'unix' : 'tcp', hasPeerEnded, hasUrgent }
}

function freezeDirection(way: Direction): FrozenDirection {
  const { held, heldOffset, heldBytes, pipe, hasEnded, isDone, bytes } = way
  const copy = held === undefined ? new Uint8Array(0) : held.bytes.slice(heldOffset, heldOffset + heldBytes)
  return { held: copy, pipe, hasEnded, isDone, bytes }
}

function thawConnection(connection: Connection, frozen: FrozenConnection): void {
  connection.fd = frozen.fd
  connection.transport = TRANSPORTS[frozen.transport]
  connection.hasPeerEnded = frozen.hasPeerEnded
  connection.hasUrgent = frozen.hasUrgent
  connection.mayRead = true
  // Frozen state does not say whether TCP_NODELAY is set; setting it again does no harm.
  connection.mayDelay = !connection.isClient && connection.transport.isTcp
  const outcome = connection.session.watch(connection)
  if (outcome < 0) throw new Error(`cannot watch a thawed session: ${outcome}`)
}

function thawDirection(way: Direction, frozen: FrozenDirection): void {
  const { blocks, pipes } = way.source.session.relay
  if (frozen.held.length > 0) {
    const block = blocks.keepScratch()
    if (block === undefined) throw new Error('no memory for the bytes of a thawed session')
    block.bytes.set(frozen.held)
    way.hold(block, 0, frozen.held.length)
  }
  if (frozen.pipe !== undefined) {
    way.pipe = frozen.pipe
    pipes.adopt(frozen.pipe)
  }
  way.hasEnded = frozen.hasEnded
  way.isDone = frozen.isDone
  way.bytes = frozen.bytes
}
