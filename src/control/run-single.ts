import { linuxSandbox } from '../kernel/sandbox-calls.js'
import type { Loaded, LoadOptions } from '../plan/load/load.js'
import type { HeadServices } from './generations/workers.js'
import { Head, type HeadEvents, type OpenAdmin } from './head.js'
import { openRelayingThread } from './open-threads.js'
import { reportSandbox } from './process/sandbox.js'
import { startHead, startOrLeave } from './process/start-up.js'
import { ReactorWorkers } from './reactors/reactor-workers.js'

/** Accepts and relays in one process. Returns when it has started; its signals end it. */
export async function runSingle(
  options: LoadOptions,
  loaded: Loaded,
  openAdmin: OpenAdmin | undefined,
  events: HeadEvents = {},
): Promise<void> {
  const started = await startHead(options, loaded)
  if (started === undefined) return
  const sandbox = linuxSandbox()
  reportSandbox(sandbox, loaded, true, started.log.say)
  const thread = openRelayingThread()
  const workers = { ...started, loaded, options, wireEnd: undefined, thread, sandbox }
  const head = {
    ...started,
    options,
    loaded,
    signals: process,
    hasForeignMaster: false,
    events,
    openAdmin,
    openWorkers: (services: HeadServices) => new ReactorWorkers(workers, services),
  }
  startOrLeave(started, () => new Head(head).start())
}
