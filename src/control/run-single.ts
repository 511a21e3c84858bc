import type { Loaded, LoadOptions } from '../plan/load.js'
import { Single, type SingleEvents } from './single.js'
import { startHead, startOrLeave } from './start-up.js'

/** Accepts and relays in one process. Returns when it has started; its signals end it. */
export async function runSingle(
  options: LoadOptions,
  loaded: Loaded,
  events: SingleEvents = {},
): Promise<void> {
  const started = await startHead(options, loaded)
  if (started === undefined) return
  startOrLeave(started, () => new Single({ ...started, options, loaded, events, wireEnd: undefined }).start())
}
