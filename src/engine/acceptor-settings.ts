/** What a master's accepting reactor starts with, and the commands and reports between it and its control thread. */
import type { KeptListeners } from '../accept/kept-listeners.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { Plan } from './plan.js'

/** As plain data that can cross to its thread. */
export interface AcceptorSettings {
  readonly plan: Plan
  /** The master's own: its counters and its log ring. */
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** Where it counts per listener; undefined: nowhere. */
  readonly front: FrontRows | undefined
}

/** Rows of the cells that the children of one configuration share, for the master that accepts for them. */
export interface FrontRows {
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** Its rows are those of a child that there is not. */
  readonly childSlot: number
  /** Rows of its listeners, in the order of the configuration. */
  readonly listenerSlots: readonly number[]
}

/** What the control thread tells the master's reactor. */
export type AcceptorCommand =
  /** Answered by `pong`: a reactor that hangs answers nothing. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number }
  /** The process of a child has ended. */
  | { readonly kind: 'gone'; readonly slot: number }
  /** Children of another configuration are to be opened; `prepared` answers. */
  | { readonly kind: 'prepare'; readonly count: number }
  /** Nothing comes of the other configuration. */
  | { readonly kind: 'forget' }
  /** Another configuration: listeners that stay have another slot there; new ones follow by `listen`. */
  | {
      readonly kind: 'reload'
      readonly settings: AcceptorSettings
      readonly kept: KeptListeners
    }
  /** Accept no more; children end when they are idle. */
  | { readonly kind: 'drain' }
  /** Clients that have no child yet are reset. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'stop' }

export type AcceptorReport =
  | { readonly kind: 'pong' }
  | { readonly kind: 'log' }
  | { readonly kind: 'serving' }
  /** A child is to be started; `fd` is its end of the wire and the receiver's to close, undefined for none. */
  | {
      readonly kind: 'wanted'
      readonly slot: number
      readonly fd: number | undefined
      readonly isFresh: boolean
    }
  /** The child of a slot has said that it takes clients. */
  | { readonly kind: 'started'; readonly slot: number }
  /** Draining, and there is no child left. */
  | { readonly kind: 'idle' }
  /** The children of the other configuration have started, or could not. */
  | { readonly kind: 'prepared'; readonly isOk: boolean }
  /** The other configuration is in force. */
  | { readonly kind: 'reloaded' }
  | { readonly kind: 'bad-configuration'; readonly slot: number }
  /** The child of a slot has sent what no child sends. */
  | { readonly kind: 'violation'; readonly slot: number; readonly what: string }
