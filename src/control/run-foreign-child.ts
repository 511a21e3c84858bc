/** Runs a child of a classic master, which passes clients on descriptor 0. */
import { MessageBatch, NO_DESCRIPTOR } from '../kernel/message-batch.js'
import { messageCalls } from '../kernel/message-calls.js'
import { linuxSandbox } from '../kernel/sandbox-calls.js'
import type { Loaded, LoadOptions } from '../plan/load/load.js'
import { WIRE_FD } from '../services/handed-over.js'
import { ServiceManager } from '../services/service-manager.js'
import { BAD_CFG, encodeSmall, SMALL_BYTES } from '../wire/child-message.js'
import { Head } from './head.js'
import { openRelayingThread } from './open-threads.js'
import { reportSandbox } from './process/sandbox.js'
import { startReader } from './process/start-up.js'
import { ReactorWorkers } from './reactors/reactor-workers.js'

/** Sends BAD_CFG to the master: a restart of this child would fail in the same way. */
export function reportBadConfiguration(): void {
  const batch = new MessageBatch(1, SMALL_BYTES)
  encodeSmall(batch.bytes, batch.offsetOf(0), BAD_CFG, 0)
  batch.setSend(0, SMALL_BYTES, NO_DESCRIPTOR)
  messageCalls().send(WIRE_FD, batch, 1)
}

/** Relays for a classic master. Without a link, everything else that a head does is done here. */
export function runForeignChild(options: LoadOptions, loaded: Loaded): void {
  const started = startReader(options, loaded)
  if (started === undefined) return
  const wireEnd = { master: 'foreign', fd: WIRE_FD } as const
  const nothing = () => {}
  // An empty environment: the service manager supervises the master, which notifies it.
  const manager = new ServiceManager(started.system.calls, {}, process.pid, started.log.say)
  const head = {
    ...started,
    bound: [],
    // The master decides how long sessions may last.
    gracePeriodMs: Number.POSITIVE_INFINITY,
    manager,
    releasePidfile: nothing,
    releaseSignals: () => false,
  }
  const sandbox = linuxSandbox()
  reportSandbox(sandbox, loaded, true, started.log.say)
  const workers = { ...head, loaded, options, wireEnd, thread: openRelayingThread(), sandbox }
  new Head({
    ...head,
    options,
    loaded,
    signals: process,
    hasForeignMaster: true,
    events: {},
    openWorkers: (services) => new ReactorWorkers(workers, services),
  }).start()
}
