import { writeFileSync } from 'node:fs'
import type { Master } from './master.js'
import type { Relay } from './relay.js'

export const IN_FORCE = /the new configuration is in force/

/** Gives a running program another configuration and waits until it reports the outcome, for the `nth` time. */
export async function reload(
  running: Pick<Master | Relay, 'file' | 'signal' | 'logged'>,
  text: string,
  outcome = IN_FORCE,
  nth = 1,
): Promise<void> {
  writeFileSync(running.file, text)
  running.signal('SIGHUP')
  await running.logged(outcome, nth)
}
