/** Whether peers speak Multipath TCP. */
import { speaksMptcp } from '../../kernel/mptcp.js'
import { add, COUNT } from '../../observe/counters.js'
import type { Connection } from '../connection.js'
import type { Session } from '../session.js'

/** Records whether a connection uses Multipath TCP or fell back to TCP, for access log and counters. */
export function noteMptcp({ id, relay }: Session, connection: Connection): void {
  const { counters, system, trace } = relay
  connection.isMptcp = speaksMptcp(system.calls, connection.fd)
  if (connection.isMptcp) return
  add(counters, COUNT.mptcpFallbacks, 1)
  if (trace.isOn)
    trace.say(`session ${id}: TCP instead of MPTCP with the ${connection.isClient ? 'client' : 'remote'}`)
}
