/** What happens to open connections when one relay of a fleet is lost, and where their clients get to when they connect again. */
import type { Trace } from '../../src/simulate/trace.js'
import { Fleet, type FleetOptions } from './fleet.js'

export interface Loss {
  readonly open: number
  /** Connections through the lost relay. */
  readonly own: number
  /** Those of other relays whose packets come to a relay that does not know them, which resets them. */
  readonly rehashed: number
  /** Of both, those whose clients get the same remote when they connect again. */
  readonly sameRemote: number
}

/** Loses relay `lost` after the last connection of the trace has begun; all clients that are cut connect again at once. */
export function loseRelay(options: FleetOptions, lost: number, trace: Trace): Loss {
  const fleet = new Fleet(options, trace)
  const open = fleet.run()
  const nowMs = trace.startMs[trace.count - 1] as number
  fleet.lose(lost)
  const own = open.filter(({ relay }) => relay === lost)
  const rehashed = open.filter(({ hash, relay }) => relay !== lost && fleet.relayOf(hash) !== relay)
  const cut = [...own, ...rehashed]
  // Keepalive, or the reset, has told the relays that these sessions are over.
  for (const connection of rehashed) fleet.close(connection)
  const again = cut.map(({ client }) => fleet.connect(client, nowMs))
  return {
    open: open.length,
    own: own.length,
    rehashed: rehashed.length,
    sameRemote: again.filter(({ remote }, i) => remote === cut[i]?.remote).length,
  }
}
