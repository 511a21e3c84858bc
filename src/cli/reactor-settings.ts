import type { Overload } from '../accept/gate.js'
import type { QueueLengths } from '../accept/listener.js'
import type { AccessTable } from '../admission/access-list.js'
import type { SocketAddress } from '../base/address.js'
import type { Shape } from '../cells/layout.js'
import type { RelayOptions } from '../relay/options.js'
import type { PipeOptions } from '../relay/pipes.js'

/** Everything a reactor needs to relay, as plain data that can cross to its thread. */
export interface ReactorSettings {
  readonly cells: { readonly fd: number; readonly shape: Shape }
  readonly childSlot: number
  /** Names of listeners by slot. */
  readonly listenerNames: readonly string[]
  /** Lengths of their queues by slot. */
  readonly listenerQueues: readonly QueueLengths[]
  readonly accessTable: AccessTable
  readonly overload: Overload
  readonly remotes: readonly RemoteSettings[]
  readonly relay: Omit<RelayOptions, 'localAddress'> & { readonly localAddress: SocketAddress | undefined }
  readonly pipes: PipeOptions
  readonly rebalance: number
  readonly sessionsMax: number
  /** Where other children take clients from the same queues: the bell that all of them hear. */
  readonly bellFd: number | undefined
  /** The wire to a master, where clients come from one. */
  readonly inlet: InletSettings | undefined
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
}

/** A master of ours tells what its listeners are; of a classic one's clients each has to be looked at. */
export type InletSettings =
  | { readonly master: 'ours'; readonly fd: number; readonly unixListeners: readonly boolean[] }
  | { readonly master: 'foreign'; readonly fd: number }

export interface RemoteSettings {
  readonly name: string
  readonly weight: number
  /** None while its name is not resolved. */
  readonly addresses: readonly SocketAddress[]
}

/** What the control thread tells a reactor. */
export type Command =
  /** Answered by `pong`: a reactor that hangs answers nothing. */
  | { readonly kind: 'ping' }
  | { readonly kind: 'listen'; readonly slot: number; readonly fd: number; readonly isUnix: boolean }
  | { readonly kind: 'addresses'; readonly remoteSlot: number; readonly addresses: readonly SocketAddress[] }
  /**
   * Accept no more and report `idle` when the last session has ended. Who waits at the listeners of `abandoned` is
   * taken first; undefined: at all of them.
   */
  | { readonly kind: 'drain'; readonly abandoned?: readonly number[] }
  /** Reset what is left. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'stop' }

/** What a reactor tells the control thread. */
export type Report =
  | { readonly kind: 'pong' }
  /** The log ring has lines, and its reader sleeps. */
  | { readonly kind: 'log' }
  | { readonly kind: 'serving' }
  | { readonly kind: 'retired' }
  /** The master wants this process to end when it is idle; it drains already. */
  | { readonly kind: 'may-die' }
  /** Draining, and the last session has ended. */
  | { readonly kind: 'idle' }
