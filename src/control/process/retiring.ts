/** How a child, of a master of ours or a foreign one, is asked to finish. */

import { INFO } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'

/** Where signals come from: the process, or a test. */
export interface SignalSource {
  on(signal: NodeJS.Signals, handler: () => void): unknown
}

/** SIGHUP and SIGTERM: no more clients, and an exit when the last session has ended. */
export function retireOnSignals(signals: SignalSource, retire: (signal: NodeJS.Signals) => void): void {
  for (const signal of ['SIGHUP', 'SIGTERM'] as const) signals.on(signal, () => retire(signal))
}

export function reportRetiring(say: Say, why: string): void {
  say(INFO, `${why}: No longer accepting new connections.`)
}

/** Logs that the limit `retire` is reached. */
export function reportRetired(say: Say, hasMaster: boolean): void {
  say(INFO, `Retire limit reached.${hasMaster ? ' Told parent about this.' : ''}`)
}
