/** The interface between a head, which exists once, and the reactor or children that relay for it. */

import type { KeptListeners } from '../../accept/kept-listeners.js'
import type { Shape } from '../../cells/layout.js'
import type { Configuration } from '../../config/load.js'
import type { StateChange } from '../../engine/live-state.js'
import type { RemoteEvidence } from '../../observe/remote-evidence.js'
import type { Loaded } from '../../plan/load/load.js'
import type { HostAnswer } from '../../relay/host-answer.js'
import type { Alarms } from '../process/alarms.js'
import type { BoundListener } from '../process/listeners.js'
import type { Generation } from './generation.js'
import type { WantedHost } from './host-service.js'

/** The one reactor of a process, or its children, as the head commands them. */
export interface Workers {
  readonly hasChildren: boolean
  /** Counters of the master's own reactor, which relays nothing; undefined: this is no master. */
  readonly masterCounters: Float64Array | undefined
  /** After `cut`, the process exits after this time at the latest. */
  readonly cutMaxMs: number
  shapeOf(configuration: Configuration): Shape
  /** Starts with the first generation; settles when its listeners may be passed on. Undefined: at once. */
  start(first: Generation): Promise<unknown> | undefined
  /** Answered by `onAlive`, unless it hangs. */
  ping(): void
  load(present: Generation): WorkersLoad
  /** Its processes, the oldest first; none if it is the reactor of this one. */
  children(): readonly ChildFacts[]
  /** A listener of the present generation is bound; its descriptor is the receiver's. */
  onListen(slot: number, listener: BoundListener): void
  /** Passes a change of a generation's live state to its reactors that run. */
  onState(generation: Generation, change: StateChange): void
  /** The directives of the new configuration that differ and need a restart. */
  needRestart(loaded: Loaded): readonly string[]
  /** Prepares another generation: the reason for a failure, or undefined. */
  prepare(next: Generation): Promise<string | undefined>
  /** Abandons a generation that was being prepared. */
  forget(next: Generation): void
  /**
   * Puts a generation in force for new clients; settles when that is done. New listeners follow by
   * `onListen`.
   */
  putInForce(next: Generation, kept: KeptListeners): Promise<void>
  /** Generations that run, the oldest first. */
  running(): readonly Generation[]
  /** Resets the sessions that a generation still has. */
  end(generation: Generation): void
  /** Stops accepting, and reports `onIdle` after the last session. Returns the number of sessions, if known. */
  drain(): number | undefined
  /** Resets all sessions. */
  cut(): void
  /** The process exits; `done` is called when threads and children have ended, or will be ended with it. */
  shutDown(done: () => void): void
}

export interface WorkersLoad {
  readonly connections: number
  /** Undefined where it is not shown. */
  readonly connectionsMax: number | undefined
}

/** A child process, for administrators. */
export interface ChildFacts {
  /** Undefined: it waits for its start. */
  readonly pid: number | undefined
  readonly phase: 'starting' | 'serving' | 'retiring'
  readonly generation: Generation
  /** Undefined: it is another program, which does not report them. */
  readonly sessions: number | undefined
}

/** What workers report to their head, and services of the head that they use. */
export interface HeadServices {
  /** Cleared at the shutdown. */
  readonly alarms: Alarms
  writeAccess(line: string): void
  /** Evidence of a remote that a session has seen. */
  hearRemote(evidence: RemoteEvidence): void
  /** The addresses of a host that a client of this generation asks for; undefined: no dynamic route allows it. */
  findHost(of: Generation, wanted: WantedHost): Promise<HostAnswer> | undefined
  /** The workers execute commands from now on. */
  onStarted(): void
  /** Answers `ping`. */
  onAlive(): void
  /** Clients are served from now on. */
  onServing(): void
  /** The present generation has to be replaced by another one of the same configuration. */
  onStale(): void
  /** The workers have stopped accepting of their own accord, and report `onIdle` after the last session. */
  onRetired(): void
  /** After `drain`: there is no session left. */
  onIdle(): void
  /** The process cannot go on. */
  onFatal(problem: string, exitCode: number): void
}
