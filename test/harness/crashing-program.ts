import { Worker } from 'node:worker_threads'
import { main } from '../../src/cli/main.js'

/**
 * The program, with an exception after its start. First argument: where. The rest is the command line of the
 * program.
 */
const [where = '', ...words] = process.argv.slice(2)

function say(): void {
  console.log('about to throw')
}

/** Signal handlers are installed last, so one of them shows that the program has started. */
function onceServing(act: () => void): void {
  const look = setInterval(() => {
    if (process.listenerCount('SIGTERM') === 0) return
    clearInterval(look)
    say()
    act()
  }, 10)
}

const PROVOKE: Readonly<Record<string, () => void>> = {
  control() {
    onceServing(() => {
      throw new Error('provoked by a test')
    })
  },
  rejection() {
    onceServing(() => void Promise.reject(new Error('provoked by a test')))
  },
  /** A command that the reactor cannot execute, which only a bug in the program could send. */
  reactor() {
    const post = Worker.prototype.postMessage
    Worker.prototype.postMessage = function (this: Worker, message: unknown) {
      say()
      post.call(this, { kind: 'state', change: { what: 'addresses', remoteSlot: 0, addresses: null } })
      post.call(this, message)
    }
  },
}

PROVOKE[where]?.()
await main('tcprelay', words, 'tcprelay')
