/** Clients at a fixed rate, each with a connection of its own, and what became of each. */
import { connect } from 'node:net'

export interface Outcome {
  readonly startedMs: number
  readonly endedMs: number
  /** The remote that replied; undefined: the client failed. */
  readonly server: string | undefined
  /** '' if it was served. */
  readonly error: string
}

/** Longer than any retry of a relay should take. */
const LIMIT_MS = 10_000

const TICK_MS = 5

/** Starts clients until `stop`, which resolves with all outcomes when the last one has ended. */
export class Clients {
  readonly outcomes: Outcome[] = []
  readonly #port: number
  readonly #perMs: number
  readonly #beganMs = performance.now()
  readonly #timer: NodeJS.Timeout
  #started = 0
  #open = 0
  #onIdle: (() => void) | undefined

  constructor(port: number, perSecond: number) {
    this.#port = port
    this.#perMs = perSecond / 1_000
    this.#timer = setInterval(() => this.#startDue(), TICK_MS)
  }

  async stop(): Promise<readonly Outcome[]> {
    clearInterval(this.#timer)
    if (this.#open > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve
      })
    }
    return this.outcomes
  }

  /** Those that are due: a late tick starts more of them. */
  #startDue(): void {
    const due = Math.floor((performance.now() - this.#beganMs) * this.#perMs)
    while (this.#started < due) {
      this.#started++
      this.#startOne()
    }
  }

  #startOne(): void {
    const startedMs = performance.now()
    this.#open++
    let reply = ''
    let error = ''
    const socket = connect({ host: '127.0.0.1', port: this.#port })
    socket.setTimeout(LIMIT_MS, () => socket.destroy(new Error('no reply')))
    socket.on('connect', () => socket.write('GET\n'))
    socket.on('data', (bytes) => {
      reply += bytes.toString('latin1')
    })
    socket.on('error', ({ message }) => {
      error = message
    })
    socket.on('close', () => {
      const isServed = reply.endsWith('\n')
      const server = isServed ? reply.trim() : undefined
      const why = error === '' ? 'closed without a reply' : error
      this.outcomes.push({ startedMs, endedMs: performance.now(), server, error: isServed ? '' : why })
      if (--this.#open === 0) this.#onIdle?.()
    })
  }
}
