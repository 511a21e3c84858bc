/** The step after the last one that reads a client's first bytes: MAVIS, or a remote. */
import type { Session } from '../session.js'
import { ask } from './asking.js'
import { dial } from './dial.js'

export function admit(session: Session): void {
  const { options } = session.relay
  session.enter(options.asks === undefined ? 'dialling' : 'asking')
  if (options.asks === undefined) dial(session)
  else ask(session, options.asks)
}
