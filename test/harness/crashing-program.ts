import { Worker } from 'node:worker_threads'
import { main } from '../../src/cli/main.js'

/**
 * The program, in which something throws after it has started. First argument: where. The rest is the command
 * line of the program.
 */
const [where = '', ...words] = process.argv.slice(2)

function say(): void {
  console.log('about to throw')
}

/** Handlers for signals come last, so that one of them says that the program has started. */
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
  /** A command that the reactor cannot obey, which only a mistake in the program could send. */
  reactor() {
    const post = Worker.prototype.postMessage
    Worker.prototype.postMessage = function (this: Worker, message: unknown) {
      say()
      post.call(this, { kind: 'addresses', remoteSlot: 0, addresses: null })
      post.call(this, message)
    }
  },
}

PROVOKE[where]?.()
await main('tcprelay', words, 'tcprelay')
