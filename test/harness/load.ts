import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { afterwards } from './clean-up.js'
import { until } from './until.js'

/** How often a load checks what is due. */
const TICK_MS = 10

/**
 * Connections of a load that may be open at a time. Without a limit a machine that is slower than the rate gets further
 * behind with every tick: the accept queue overflows, and then the kernel resets clients that no program has seen.
 */
const OPEN_MAX = 1_000

/** Replies within one time limit, whatever the number that is waited for: a slow machine still makes progress. */
const PROGRESS = 100

/** Requests differ in length, so that truncated or doubled replies are detected. */
const PADDING = 'tcprelay '.repeat(120)

/** A connection of a load, and its outcome. */
export interface Visit {
  readonly startedMs: number
  /** The client's own port; zero until it is connected. */
  clientPort: number
  /** The reply was right, or the connection failed. */
  overMs: number | undefined
  failure: string | undefined
}

/**
 * New connections at a steady rate, or slower while OPEN_MAX of them are open: each sends a request, checks the reply byte
 * for byte, and closes.
 */
export class Visitors {
  readonly visits: Visit[] = []
  readonly #port: number
  readonly #perSecond: number
  readonly #startedMs = performance.now()
  readonly #sockets = new Set<Socket>()
  readonly #timer: NodeJS.Timeout
  #served = 0

  constructor(t: TestContext, port: number, perSecond: number) {
    this.#port = port
    this.#perSecond = perSecond
    this.#timer = setInterval(() => this.#catchUp(), TICK_MS)
    afterwards(t, () => {
      clearInterval(this.#timer)
      for (const socket of this.#sockets) socket.destroy()
    })
  }

  get served(): number {
    return this.#served
  }

  get failed(): Visit[] {
    return this.visits.filter(({ failure }) => failure !== undefined)
  }

  /** Waits for that many more replies. */
  async serveMore(count: number): Promise<void> {
    const goal = this.served + count
    while (this.served < goal) {
      const next = Math.min(this.served + PROGRESS, goal)
      await until(`${goal - this.served} more replies`, () => this.served >= next, 60_000)
    }
  }

  /** Waits until that many more have started. */
  async comeMore(count: number): Promise<void> {
    const goal = this.visits.length + count
    await until(`${count} more visits`, () => this.visits.length >= goal)
  }

  /** Stops new ones; waits for the last reply. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    const open = () => this.visits.filter(({ overMs }) => overMs === undefined)
    await until('the last visits', () => open().length === 0, 60_000)
    await until('their sockets to be closed', () => this.#sockets.size === 0)
  }

  #catchUp(): void {
    const due = ((performance.now() - this.#startedMs) / 1_000) * this.#perSecond
    while (this.visits.length < due && this.#sockets.size < OPEN_MAX) this.#visit()
  }

  #visit(): void {
    const visit: Visit = {
      startedMs: performance.now(),
      clientPort: 0,
      overMs: undefined,
      failure: undefined,
    }
    const number = this.visits.push(visit)
    const over = (failure?: string) => {
      if (visit.overMs !== undefined) return
      visit.overMs = performance.now()
      if (failure === undefined) this.#served++
      else visit.failure = visit.clientPort === 0 ? `not connected: ${failure}` : failure
      socket.destroy()
    }
    const socket = openSocket(this.#port, over)
    this.#sockets.add(socket)
    socket.on('connect', () => {
      visit.clientPort = socket.localPort ?? 0
      exchange(socket, textOf(number), over)
    })
    socket.on('close', () => this.#sockets.delete(socket))
  }
}

/** A long-lived connection that sends requests repeatedly. */
export interface Resident {
  readonly bornMs: number
  /** The load's generation when the connection began. */
  readonly generation: number
  readonly socket: Socket
  clientPort: number
  exchanges: number
  failure: string | undefined
  failedMs: number | undefined
  isWaiting: boolean
}

/** Connections that stay open and exchange data regularly. Each that ends has a successor. */
export class Residents {
  /** The generation of connections that begin from now on. */
  generation = 0
  readonly lost: Resident[] = []
  /** Connections that were closed in order. */
  readonly left: Resident[] = []
  readonly #living = new Set<Resident>()
  readonly #port: number
  readonly #timer: NodeJS.Timeout
  #turn = 0
  #exchanges = 0

  /** Each of `count` sends a request about every `everyMs`. */
  constructor(t: TestContext, port: number, count: number, everyMs: number) {
    this.#port = port
    for (let i = 0; i < count; i++) this.#enter()
    const groups = Math.ceil(everyMs / TICK_MS)
    this.#timer = setInterval(() => this.#ask(groups), TICK_MS)
    afterwards(t, () => {
      clearInterval(this.#timer)
      for (const resident of [...this.#living]) this.#forget(resident)
    })
  }

  get exchanges(): number {
    return this.#exchanges
  }

  /** Those that have had a reply, by the client's port. */
  get settled(): Resident[] {
    return [...this.#living].filter(({ exchanges }) => exchanges > 0)
  }

  async areSettled(): Promise<void> {
    const waiting = () => this.#living.size - this.settled.length
    await until('every long connection to be answered', () => waiting() === 0, 60_000)
  }

  /** Closes those of old generations in order, and replaces them. */
  leaveBefore(generation: number): void {
    for (const resident of [...this.#living]) {
      if (resident.generation >= generation || resident.isWaiting) continue
      this.#forget(resident)
      this.#enter()
    }
  }

  /** Waits for one more reply on each of them; then closes all. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await until('answers under way', () => ![...this.#living].some(({ isWaiting }) => isWaiting), 60_000)
    for (const resident of this.#living) this.#exchange(resident)
    await until('the last answers', () => ![...this.#living].some(({ isWaiting }) => isWaiting), 60_000)
    for (const resident of [...this.#living]) this.#forget(resident)
  }

  #forget(resident: Resident): void {
    this.#living.delete(resident)
    this.left.push(resident)
    resident.socket.destroy()
  }

  #enter(): void {
    const { generation } = this
    const lost = (failure: string) => {
      if (!this.#living.delete(resident)) return
      resident.failure = failure
      resident.failedMs = performance.now()
      this.lost.push(resident)
      resident.socket.destroy()
      this.#enter()
    }
    const resident: Resident = {
      bornMs: performance.now(),
      generation,
      socket: openSocket(this.#port, lost),
      clientPort: 0,
      exchanges: 0,
      failure: undefined,
      failedMs: undefined,
      isWaiting: true,
    }
    this.#living.add(resident)
    resident.socket.on('connect', () => {
      resident.clientPort = resident.socket.localPort ?? 0
      this.#exchange(resident)
    })
  }

  #ask(groups: number): void {
    const group = this.#turn++ % groups
    let at = 0
    for (const resident of this.#living) {
      if (at++ % groups === group && !resident.isWaiting) this.#exchange(resident)
    }
  }

  #exchange(resident: Resident): void {
    resident.isWaiting = true
    exchange(resident.socket, textOf(this.#exchanges), (failure) => {
      resident.isWaiting = false
      if (failure !== undefined) {
        resident.socket.destroy(new Error(failure))
        return
      }
      resident.exchanges++
      this.#exchanges++
    })
  }
}

function textOf(number: number): string {
  return `request ${number} ${PADDING.slice(0, (number * 37) % PADDING.length)}.`
}

/** Calls back, at least once, when the connection is over; with an error, or because the other side has closed. */
function openSocket(port: number, over: (failure: string) => void): Socket {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  socket.on('error', (error) => over('code' in error ? String(error.code) : error.message))
  socket.on('close', () => over('closed'))
  return socket
}

/** Sends a text and waits for its echo; returns the fault of the reply, if there is any. */
function exchange(socket: Socket, text: string, done: (failure?: string) => void): void {
  let reply = ''
  const hear = (bytes: Buffer) => {
    reply += bytes.toString('latin1')
    if (reply.length < text.length && text.startsWith(reply)) return
    socket.off('data', hear)
    done(reply === text ? undefined : `wrong reply to '${text.slice(0, 20)}': '${reply.slice(0, 80)}'`)
  }
  socket.on('data', hear)
  socket.write(text, 'latin1')
}
