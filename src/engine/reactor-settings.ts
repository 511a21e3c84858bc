/** What a relaying reactor starts with, and the commands and reports between it and its control thread. */
import type { KeptListeners } from '../accept/kept-listeners.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { Answer, QuestionNews } from '../relay/opening/questions.js'
import type { PipeOptions } from '../relay/transfer/pipes.js'
import type { LiveState, StateChange } from './live-state.js'
import type { Plan } from './plan.js'

/** What a reactor gets of one generation, as plain data that can cross to its thread: its plan, and what the process adds. */
export interface GenerationSettings {
  readonly plan: Plan
  /** As it is now; changes follow by `state`. */
  readonly live: LiveState
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** Whose rows of the cells are its; no two generations have the same. */
  readonly childSlot: number
  /** Sessions of all generations that it accepts clients up to. */
  readonly sessionsMax: number
  /** Where other children accept from the same listeners: the descriptor that wakes all of them. */
  readonly wakeupFd: number | undefined
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
}

/** Everything a reactor starts with. */
export interface ReactorSettings extends GenerationSettings {
  /** The wire to a master, where clients come from one. */
  readonly wireEnd: WireEndSettings | undefined
  readonly pipes: PipeOptions
}

/** Our own master has the listeners of the plan; a classic one describes each client in its message. */
export interface WireEndSettings {
  readonly master: 'ours' | 'foreign'
  readonly fd: number
}

/** What the control thread tells a reactor. */
export type Command =
  /** Answered by `pong`: a reactor that hangs answers nothing. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number; readonly socketKind: SocketKind }
  /** Say MAX to the master and take its clients: what they need is there. */
  | { readonly kind: 'open-wire-end' }
  /** The live state changes, of one generation or of the one that accepts clients. */
  | { readonly kind: 'state'; readonly change: StateChange; readonly childSlot?: number }
  /** Another generation is to be made ready; `prepared` answers. */
  | { readonly kind: 'prepare'; readonly settings: GenerationSettings }
  /** Nothing comes of it. */
  | { readonly kind: 'forget' }
  /** Clients are its from now on; `reloaded` answers. Listeners that stay have another slot there, new ones follow. */
  | { readonly kind: 'reload'; readonly kept: KeptListeners }
  /** Stop accepting, but leave the listeners open until `drain`. */
  | { readonly kind: 'suspend' }
  /**
   * Stop accepting and report `idle` after the last session. Clients queued at the listeners of `abandoned` (all
   * listeners if undefined) are accepted first.
   */
  | { readonly kind: 'drain'; readonly abandoned?: readonly number[] | undefined }
  /** To questions, those that nobody waits for any more included. */
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Reset what is left, of one generation or of all. */
  | { readonly kind: 'cut'; readonly childSlot?: number }
  | { readonly kind: 'stop' }

/** What a reactor tells the control thread. */
export type Report =
  | { readonly kind: 'pong' }
  /** The log ring has lines, and its reader sleeps. */
  | { readonly kind: 'log' }
  | { readonly kind: 'serving' }
  /** The next generation waits for its listeners; or there is none, and why. */
  | { readonly kind: 'prepared'; readonly problem: string | undefined }
  | { readonly kind: 'reloaded' }
  /** A generation that is not the present one has ended, and nobody looks at its rows any more. */
  | { readonly kind: 'gone'; readonly childSlot: number }
  | { readonly kind: 'retired' }
  /** Clients wait for answers, or wait no more. */
  | ({ readonly kind: 'questions' } & QuestionNews)
  /** The master wants this process to end when it is idle; it drains already. */
  | { readonly kind: 'may-die' }
  /** Draining, and the last session has ended. */
  | { readonly kind: 'idle' }
