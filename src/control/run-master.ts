/** Runs a master with children of our own or of another program. */
import { fileURLToPath } from 'node:url'
import { problemLine } from '../config/problems.js'
import { linuxSandbox } from '../kernel/sandbox-calls.js'
import { WARNING } from '../observe/severity.js'
import { limitProblems } from '../plan/check/limit-problems.js'
import { isOwnProgram } from '../plan/compile/worker-plans.js'
import type { Loaded, LoadOptions } from '../plan/load/load.js'
import { ChildWorkers } from './children/child-workers.js'
import type { HeadServices } from './generations/workers.js'
import { Head, type OpenAdmin } from './head.js'
import { openAcceptorThread } from './open-threads.js'
import { nodeWords } from './process/close-inspector.js'
import { reportSandbox } from './process/sandbox.js'
import { startHead, startOrLeave } from './process/start-up.js'

/**
 * The program of our children, however this process was started. The path is right from dist/src/control/ and
 * from dist/bundle/cli/.
 */
const OWN_PROGRAM = fileURLToPath(new URL('../../../bin/tcprelay.js', import.meta.url))

/** Accepts, and lets children relay. Returns when it has started; its signals end it. */
export async function runMaster(
  options: LoadOptions,
  loaded: Loaded,
  openAdmin: OpenAdmin | undefined,
): Promise<void> {
  const started = await startHead(options, loaded)
  if (started === undefined) return
  // They depend on the descriptor limit of this process, so they are not among the problems of the file.
  for (const problem of limitProblems(loaded)) started.log.say(WARNING, problemLine(problem))
  if (isOwnProgram(loaded.spawnd.spawn)) reportSandbox(linuxSandbox(), loaded, false, started.log.say)
  const ownProgram = { command: process.execPath, words: [...nodeWords(), OWN_PROGRAM] }
  const workers = { ...started, loaded, options, ownProgram, thread: openAcceptorThread() }
  const head = {
    ...started,
    options,
    loaded,
    signals: process,
    hasForeignMaster: false,
    events: {},
    openAdmin,
    openWorkers: (services: HeadServices) => new ChildWorkers(workers, services),
  }
  startOrLeave(started, () => new Head(head).start())
}
