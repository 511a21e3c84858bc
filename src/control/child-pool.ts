import type { AcceptorCommand, AcceptorReport, AcceptorSettings } from '../engine/acceptor-settings.js'
import { COUNT } from '../observe/counters.js'
import { ReactorThread } from './reactor-thread.js'

/** Who decides which children there are, and how clients get to them. It answers by reports. */
export interface ChildPool {
  /** Starts the children that always run. */
  start(): void
  post(command: AcceptorCommand): void
  /** What a child says of itself over its link. */
  hear(slot: number, what: 'serving' | 'retiring'): void
  /** `ended` is called when nothing of it is left. */
  end(ended: () => void): void
  /** Connections that it takes at most, those of children that take no more included; undefined: not known yet. */
  readonly places: number | undefined
}

/**
 * Clients are accepted by a reactor of the master's and go over the wire; so do the children's words. `counters`: those of
 * that reactor.
 */
export function brokerChildPool(
  settings: AcceptorSettings,
  onReport: (report: AcceptorReport) => void,
  onFailure: (error: Error) => void,
  counters: Float64Array,
): ChildPool {
  const entry = new URL('../engine/acceptor-entry.js', import.meta.url)
  const thread = new ReactorThread<AcceptorSettings, AcceptorCommand, AcceptorReport>(entry, settings, {
    onReport,
    onFailure,
  })
  return {
    start: () => {}, // the thread does when it is there
    post: (command) => thread.post(command),
    hear: () => {},
    end: (ended) => thread.end({ kind: 'stop' }, ended),
    get places() {
      return counters[COUNT.placesNow] || undefined
    },
  }
}
