import type { Overload } from '../accept/connection-limit.js'
import type { QueueLengths } from '../accept/listener.js'
import type { AccessTable } from '../admission/access-list.js'
import type { IdentityRule } from '../admission/identity-list.js'
import type { SocketAddress } from '../base/address.js'
import type { PollMechanism } from '../base/poll-mechanism.js'
import type { CellFds } from '../cells/cells.js'
import type { Shape } from '../cells/layout.js'
import type { SocketKind } from '../kernel/socket-kind.js'
import type { Answer, QuestionNews } from '../relay/opening/questions.js'
import type { RelayOptions } from '../relay/options.js'
import type { RemoteParts } from '../relay/remotes.js'
import type { PipeOptions } from '../relay/transfer/pipes.js'
import type { TicketKey } from '../tls/ticket-keys.js'
import type { Staples, TlsSettings } from './tls-settings.js'

/** What a reactor has to know of a configuration, as plain data that can cross to its thread. */
export interface GenerationSettings {
  readonly cells: { readonly fds: CellFds; readonly shape: Shape }
  /** Whose rows of the cells are its; no two generations have the same. */
  readonly childSlot: number
  /** Names of listeners by slot. */
  readonly listenerNames: readonly string[]
  /** Their rows in the cells, in the same order; empty where a foreign master has them. */
  readonly listenerSlots: readonly number[]
  /** Their realms by slot. */
  readonly realms: readonly string[]
  /** Lengths of their queues by slot. */
  readonly listenerQueues: readonly QueueLengths[]
  readonly accessTable: AccessTable
  readonly identityRules: readonly IdentityRule[]
  readonly overload: Overload
  readonly remotes: readonly RemoteSettings[]
  readonly relay: Omit<RelayOptions, 'localAddress' | 'clientSource'> & {
    /** `client`: each connection comes from the address of its client. */
    readonly localAddress: SocketAddress | 'client' | undefined
  }
  /** Remotes are told by their own settings. */
  readonly tls: Omit<TlsSettings, 'remotes'>
  /** For session tickets, the present one first. */
  readonly ticketKeys: readonly TicketKey[]
  /** OCSP responses that were fetched. */
  readonly staples: Staples
  readonly rebalance: number
  readonly sessionsMax: number
  /** Where other children take clients from the same queues: the descriptor that wakes all of them. */
  readonly wakeupFd: number | undefined
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
}

/** Everything a reactor starts with. */
export interface ReactorSettings extends GenerationSettings {
  /** The wire to a master, where clients come from one. */
  readonly wireEnd: WireEndSettings | undefined
  readonly pipes: PipeOptions
  /** How it waits for descriptors. */
  readonly mechanism: PollMechanism
}

/** A master of ours tells what its listeners are; of a classic one's clients each has to be looked at. */
export type WireEndSettings =
  | { readonly master: 'ours'; readonly fd: number; readonly listenerKinds: readonly SocketKind[] }
  | { readonly master: 'foreign'; readonly fd: number }

export interface RemoteSettings extends RemoteParts {
  readonly weight: number
  /** Index among the clients of TLS; undefined: plain. */
  readonly tlsClient: number | undefined
}

/** What the control thread tells a reactor. */
export type Command =
  /** Answered by `pong`: a reactor that hangs answers nothing. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number; readonly socketKind: SocketKind }
  /** Say MAX to the master and take its clients: what they need is there. */
  | { readonly kind: 'open-wire-end' }
  /** `childSlot`: of which generation; by default the one that clients are of. */
  | {
      readonly kind: 'addresses'
      readonly remoteSlot: number
      readonly addresses: readonly SocketAddress[]
      readonly childSlot?: number
    }
  /** Another generation is to be made ready; `prepared` answers. */
  | { readonly kind: 'prepare'; readonly settings: GenerationSettings }
  /** Nothing comes of it. */
  | { readonly kind: 'forget' }
  /** Clients are its from now on; `reloaded` answers. Listeners that stay have another slot there, new ones follow. */
  | { readonly kind: 'reload'; readonly kept: readonly (readonly [oldSlot: number, newSlot: number])[] }
  /**
   * Accept no more and report `idle` when the last session has ended. Who waits at the listeners of `abandoned` is
   * taken first; undefined: at all of them.
   */
  | { readonly kind: 'drain'; readonly abandoned?: readonly number[] }
  /** What session tickets are closed with from now on (the first one) and opened with (all of them). */
  | { readonly kind: 'ticket-keys'; readonly keys: readonly TicketKey[] }
  /** A newer OCSP response for those certificates that are shown with it; undefined: none any more. */
  | { readonly kind: 'staple'; readonly id: string; readonly staple?: Uint8Array | undefined }
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
