/** Settings of a master's accepting reactor, and the commands and reports between it and its control thread. */
import type { KeptListeners } from '../accept/kept-listeners.js'
import type { AccessPlan } from '../admission/rule-list-plan.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { LimitMemory } from '../cells/limit-memory.js'
import type { Plan } from './plan.js'

/** Plain data, which is passed to its thread by structured clone. */
export interface AcceptorSettings {
  readonly plan: Plan
  /** That in force; changes follow by `access`. */
  readonly access: AccessPlan
  /** Cells of the master itself: its counters and its log ring. */
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  readonly limits: LimitMemory
  /** Counters of its listeners; undefined: they are not counted. */
  readonly front: FrontRows | undefined
}

/** Rows for the accepting master in the cells that the children of one configuration share. */
export interface FrontRows {
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** A slot that no child uses. */
  readonly childSlot: number
  /** Rows of its listeners, in the order of the configuration. */
  readonly listenerSlots: readonly number[]
}

/** Commands of the control thread to the master's reactor. */
export type AcceptorCommand =
  /** The reply is `pong`; without one the reactor hangs. */
  | { readonly kind: 'ping' }
  /** The acceptor owns the descriptor from now on. */
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number }
  /** A file of access rules has changed. */
  | { readonly kind: 'access'; readonly access: AccessPlan }
  /** The process of a child has exited. */
  | { readonly kind: 'gone'; readonly slot: number }
  /** Start this number of children for another configuration; the reply is `prepared`. */
  | { readonly kind: 'prepare'; readonly count: number }
  /** The other configuration is abandoned, and its children are dismissed. */
  | { readonly kind: 'forget' }
  /** Put the other configuration in force. `kept` maps listeners to their new slots; new ones follow by `listen`. */
  | {
      readonly kind: 'reload'
      readonly settings: AcceptorSettings
      readonly kept: KeptListeners
    }
  /** Stop accepting; children exit when they are idle. */
  | { readonly kind: 'drain' }
  /** Reset clients that are queued for a child. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'stop' }

export type AcceptorReport =
  | { readonly kind: 'pong' }
  /** The log ring is no longer empty, and its reader sleeps. */
  | { readonly kind: 'log' }
  | { readonly kind: 'serving' }
  /** Start a child. `fd`: its end of the wire, which the receiver must close; undefined for children that accept. */
  | {
      readonly kind: 'wanted'
      readonly slot: number
      readonly fd: number | undefined
      readonly isFresh: boolean
    }
  /** The child of a slot has sent MAX, so it accepts clients. */
  | { readonly kind: 'started'; readonly slot: number }
  /** Draining, and the last child has exited. */
  | { readonly kind: 'idle' }
  /** The children of the other configuration have started, or failed to. */
  | { readonly kind: 'prepared'; readonly isOk: boolean }
  /** The other configuration is in force. */
  | { readonly kind: 'reloaded' }
  /** The child of a slot has sent BAD_CFG, which only other programs do. */
  | { readonly kind: 'bad-configuration'; readonly slot: number }
  /** The child of a slot has violated the protocol of the wire. */
  | { readonly kind: 'violation'; readonly slot: number; readonly what: string }
