/** Settings of a relaying reactor, and the commands and reports between it and its control thread. */
import type { KeptListeners } from '../accept/kept-listeners.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { LimitMemory } from '../cells/limit-memory.js'
import type { StickyShare } from '../cells/sticky-table.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { HostQuestion, HostReply } from '../relay/host-answer.js'
import type { Answer, QuestionNews } from '../relay/opening/questions.js'
import type { PipeOptions } from '../relay/transfer/pipes.js'
import type { LiveState, StateChange } from './live-state.js'
import type { Plan } from './plan.js'

/** One generation as plain data, which is passed to the reactor's thread: the plan, and values of the process. */
export interface GenerationSettings {
  readonly plan: Plan
  /** At the start; changes follow by `state`. */
  readonly live: LiveState
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** By pool of the plan; undefined: it is not sticky. */
  readonly sticky: readonly (StickyShare | undefined)[]
  readonly limits: LimitMemory
  /** Slot of its rows in the cells; each generation has its own. */
  readonly childSlot: number
  /** Limit of the sessions of all generations together. */
  readonly sessionsMax: number
  /** Descriptor that wakes the other children that accept from the same listeners; undefined: there are none. */
  readonly wakeupFd: number | undefined
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
}

/** All settings of a reactor at its start. */
export interface ReactorSettings extends GenerationSettings {
  /** The wire to a master; undefined: the reactor accepts clients itself. */
  readonly wireEnd: WireEndSettings | undefined
  readonly pipes: PipeOptions
  /** Its thread gives up all access to files before it serves. @default false */
  readonly restrictsFiles?: boolean
}

/** Messages of our own master refer to listeners of the plan; those of a classic one describe each client. */
export interface WireEndSettings {
  readonly master: 'ours' | 'foreign'
  readonly fd: number
}

/** Commands of the control thread to a reactor. */
export type Command =
  /** The reply is `pong`; without one the reactor hangs. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number; readonly socketKind: SocketKind }
  /** Send MAX to the master and receive clients: all that they need has been passed before. */
  | { readonly kind: 'open-wire-end' }
  /** Change the live state, of the generation in force unless `childSlot` is given. */
  | { readonly kind: 'state'; readonly change: StateChange; readonly childSlot?: number }
  /** Prepare another generation; the reply is `prepared`. */
  | { readonly kind: 'prepare'; readonly settings: GenerationSettings }
  /** Abandon the prepared generation. */
  | { readonly kind: 'forget' }
  /** Put the prepared generation in force; the reply is `reloaded`. `kept` maps listeners to new slots. */
  | { readonly kind: 'reload'; readonly kept: KeptListeners }
  /** Stop accepting, but leave the listeners open until `drain`; the reply is `suspended`. */
  | { readonly kind: 'suspend' }
  /**
   * Stop accepting and report `idle` after the last session. The backlogs of the listeners in `abandoned` (of all
   * listeners if undefined) are accepted first.
   */
  | { readonly kind: 'drain'; readonly abandoned?: readonly number[] | undefined }
  /** Verdicts of MAVIS. Sessions that have ended meanwhile are ignored. */
  | { readonly kind: 'answers'; readonly answers: readonly Answer[] }
  /** Addresses of hosts that clients of dynamic routes ask for. */
  | { readonly kind: 'hosts'; readonly replies: readonly HostReply[] }
  /** Reset the remaining sessions, of one generation or of all. */
  | { readonly kind: 'cut'; readonly childSlot?: number }
  | { readonly kind: 'stop' }

/** Reports of a reactor to the control thread. */
export type Report =
  | { readonly kind: 'pong' }
  /** The log ring is no longer empty, and its reader sleeps. */
  | { readonly kind: 'log' }
  | { readonly kind: 'serving' }
  /** The next generation is ready, or could not be prepared because of `problem`. */
  | { readonly kind: 'prepared'; readonly problem: string | undefined }
  | { readonly kind: 'reloaded' }
  /** An old generation has ended, and its rows of the cells may be freed. */
  | { readonly kind: 'gone'; readonly childSlot: number }
  | { readonly kind: 'retired' }
  | { readonly kind: 'suspended' }
  /** New queries to MAVIS, and withdrawn ones. */
  | ({ readonly kind: 'questions' } & QuestionNews)
  /** Names that clients of dynamic routes ask for; the reply is `hosts`. */
  | { readonly kind: 'lookups'; readonly asked: readonly HostQuestion[] }
  /** The master has sent MAY_DIE: the reactor drains. */
  | { readonly kind: 'may-die' }
  /** Draining, and the last session has ended. */
  | { readonly kind: 'idle' }
