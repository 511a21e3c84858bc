/** Opens the link to a child of ours, and what the child gets with it: cells and, to accept by itself, listeners. */
import { closeSync } from 'node:fs'
import type { LimitMemory } from '../../cells/limit-memory.js'
import { errorText } from '../../kernel/errno.js'
import { messageCalls } from '../../kernel/message-calls.js'
import type { SocketKind } from '../../kernel/socket-kind.js'
import type { Boundary } from '../../observe/boundary.js'
import { Link, serialized } from '../../services/link.js'
import { FIRST_LISTENER_FD, FROM_CHILD, LINK_FD, type ToMaster } from '../../services/link-messages.js'
import type { Generation } from '../generations/generation.js'
import type { Extras } from './child-starter.js'
import { type ChildStart, type MasterLink, startBehindMaster } from './our-link.js'
import type { OwnedChild } from './owned-child.js'

export interface ChildLinkParts {
  readonly boundary: Boundary
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
  /** For children that accept by themselves. */
  readonly wakeupFd: number
}

export interface ChildLinkEvents {
  onMessage(message: ToMaster): void
  /** The child has sent something that no child sends. */
  onViolation(what: string): void
  /** A handler of its bytes has thrown; the link is closed. */
  onException(): void
}

type Shares = ChildStart['sticky']
/** In the order of their descriptors. */
type HandedListeners = readonly (readonly [slot: number, listener: { readonly socketKind: SocketKind }])[]

/** Returns the child's descriptors from 3 on. The near end of the link belongs to `child`. */
export function openChildLink(child: OwnedChild, parts: ChildLinkParts, events: ChildLinkEvents): Extras {
  const { generation, slot } = child
  const { limits, memory } = generation
  // A child in this slot that could not be started may have left counts.
  memory.giveBack(slot)
  limits.giveBack(slot)
  const { common, head, own } = memory.fdsOf(slot)
  const { link, theirs } = openPair(child, parts.boundary, events)
  const isDirect = generation.loaded.spawnd.spawn.accept === 'direct'
  const listeners = isDirect ? [...generation.listeners.present] : undefined
  const direct = listeners === undefined ? [] : [parts.wakeupFd, ...listeners.map(([, { fd }]) => fd)]
  const fds = [theirs, head, common, own, ...direct]
  const shares = generation.sticky.shares
  const ofSticky = definedFds(shares)
  const firstOfLimits = LINK_FD + fds.length + ofSticky.length
  const heldFd = limits.openNotes(slot)
  const sticky = renumbered(shares, LINK_FD + fds.length)
  const limitMemory: LimitMemory = {
    shares: limits.shares.map((share, index) => ({ ...share, fd: firstOfLimits + index })),
    heldFd: heldFd && firstOfLimits + limits.count,
  }
  // The queued messages follow in their order: they may refer to the state that `start` carries.
  const start = () => {
    link.send({
      kind: 'start',
      ...startOf(generation, slot, parts.traceMask, listeners),
      sticky,
      limits: limitMemory,
    })
    for (const message of child.unsent ?? []) link.send(message)
    child.unsent = undefined
  }
  // A child takes clients soon afterwards, so `start` carries the addresses of its remotes.
  if (generation.hasLooked) start()
  else void generation.looked.then(start)
  return {
    // The order of LINK_FD, CELLS_FDS, WAKEUP_FD and FIRST_LISTENER_FD (`services/link-messages.ts`), then sticky tables and limits.
    fds: [
      ...fds,
      ...ofSticky,
      ...definedFds([...limits.shares, heldFd === undefined ? heldFd : { fd: heldFd }]),
    ],
    release() {
      // Our copy: with it open, the end of the child would not end the link.
      closeSync(theirs)
      memory.cells.handedOver(slot)
      limits.handedOver(slot)
    },
  }
}

function definedFds(shares: readonly ({ readonly fd: number } | undefined)[]): readonly number[] {
  return shares.flatMap((share) => share?.fd ?? [])
}

/** With the descriptors that a child gets, one after the other from `fd` on. */
function renumbered(shares: Shares, fd: number): Shares {
  let next = fd
  return shares.map((share) => share && { ...share, fd: next++ })
}

function openPair(
  child: OwnedChild,
  boundary: Boundary,
  { onException, onMessage, onViolation }: ChildLinkEvents,
): { readonly link: MasterLink; readonly theirs: number } {
  const pair = messageCalls().socketPair('stream')
  if (typeof pair === 'number') throw new Error(`cannot open its link: ${errorText(-pair)}`)
  const [ours, theirs] = pair
  // A compromised child could fill this process with descriptors.
  messageCalls().refuseDescriptors(ours)
  const onEnd = () => {
    if (child.link === link) child.link = undefined
  }
  const link: MasterLink = new Link(
    ours,
    FROM_CHILD,
    serialized,
    { onMessage, onViolation, onEnd },
    (handler) =>
      boundary.guard('a message of a child', handler, () => {
        // Closed first: no more bytes of this child are handled.
        link.close()
        onException()
      }),
  )
  child.link = link
  return { link, theirs }
}

/** `handed`: undefined where clients come over the wire. */
function startOf(
  { live, memory, plan }: Generation,
  slot: number,
  traceMask: number,
  handed: HandedListeners | undefined,
): Omit<ChildStart, 'limits' | 'sticky'> {
  return {
    ...(handed === undefined ? startBehindMaster({ live, plan }) : { live, plan }),
    slot,
    shape: memory.shape,
    traceMask,
    listeners: handed?.map(([slot, { socketKind }], i) => ({ slot, fd: FIRST_LISTENER_FD + i, socketKind })),
  }
}
