import { writeSync } from 'node:fs'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { isMainThread, type WorkerOptions } from 'node:worker_threads'

/**
 * Loaded before the program by `--import`, into the master and so into its children. On SIGUSR2 it throws where the
 * query of the module's URL says: in the control thread, in a promise, or in the reactor.
 */
const where = new URL(import.meta.url).search.slice(1)

const EVENTFD_BYTES = 8

/** Commands that only a bug in the program could send: the first one for a child's reactor, then a master's. */
const BAD_COMMANDS = [
  { kind: 'state', change: { what: 'addresses', remoteSlot: 0, addresses: null } },
  { kind: 'listen', slot: 999, fd: -1 },
]

let crashReactor = () => {}

/** Remembers the thread of the reactor, and how to wake it. */
function watchThreads(): void {
  const threads: typeof import('node:worker_threads') = createRequire(import.meta.url)('node:worker_threads')
  const { Worker } = threads
  threads.Worker = class extends Worker {
    constructor(entry: URL, options: WorkerOptions) {
      super(entry, options)
      crashReactor = () => {
        for (const command of BAD_COMMANDS) this.postMessage(command)
        const one = new Uint8Array(EVENTFD_BYTES)
        one[0] = 1
        writeSync(options.workerData.wakeFd, one)
      }
    }
  }
  syncBuiltinESMExports()
}

const CRASHES: Readonly<Record<string, () => void>> = {
  control() {
    throw new Error('provoked by a test')
  },
  rejection() {
    void Promise.reject(new Error('provoked by a test'))
  },
  reactor() {
    crashReactor()
  },
}

if (isMainThread) {
  watchThreads()
  process.on('SIGUSR2', () => CRASHES[where]?.())
}
