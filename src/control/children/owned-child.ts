/** A child of a slot as `ChildProcesses` owns it: wanted, or running. */
import type { LogDrain } from '../../services/log-drain.js'
import type { Generation } from '../generations/generation.js'
import type { TrackedChild } from './child-table.js'
import type { MasterLink, ToOurChild } from './our-link.js'

export interface OwnedChild extends TrackedChild {
  readonly generation: Generation
  /** Undefined for foreign programs. */
  link: MasterLink | undefined
  /** Messages that wait for `start` to be sent; undefined afterwards. */
  unsent: ToOurChild[] | undefined
  /** Undefined until it runs. */
  drain: LogDrain | undefined
  /** Hosts that it has asked for and that are not answered. */
  openHosts: number
  /** It has reported that it serves, which a child does once. */
  hasSaidServing: boolean
  /** It was killed for a violation, or because it hung. */
  isCondemned: boolean
}

export function newChild(slot: number, generation: Generation): OwnedChild {
  return {
    slot,
    generation,
    phase: 'starting',
    link: undefined,
    drain: undefined,
    unsent: [],
    openHosts: 0,
    hasSaidServing: false,
    isCondemned: false,
  }
}

/** `start` is the first message of a link; earlier facts are part of it, so messages before the link are dropped. */
export function sendTo(child: OwnedChild | undefined, message: ToOurChild): void {
  if (child?.link === undefined) return
  if (child.unsent === undefined) child.link.send(message)
  else child.unsent.push(message)
}
