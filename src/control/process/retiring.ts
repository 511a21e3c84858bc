/** Retiring of a child, of our own or a foreign master: triggers and log lines. */

import { INFO } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'

/** Source of signals: the process, or a test. */
export interface SignalSource {
  on(signal: NodeJS.Signals, handler: () => void): unknown
}

/** On SIGHUP and SIGTERM: stop accepting, and exit after the last session. */
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
