import { NOTICE, WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Listener } from './listener.js'

/** How many sessions one reactor may hold, and what happens at that number: clients wait in the kernel. */
export class Gate {
  readonly #listeners: Listener[] = []
  readonly #sessionsMax: number
  readonly #countSessions: () => number
  readonly #log: Say
  #isFull = false
  #isStopped = false

  constructor(sessionsMax: number, countSessions: () => number, log: Say) {
    this.#sessionsMax = sessionsMax
    this.#countSessions = countSessions
    this.#log = log
  }

  add(listener: Listener): void {
    this.#listeners.push(listener)
    if (!this.#isFull && !this.#isStopped) listener.resume()
  }

  hasRoom(): boolean {
    return this.#countSessions() < this.#sessionsMax
  }

  /** A listener found no room: all of them wait until a session ends. */
  onFull(): void {
    if (this.#isFull) return
    this.#isFull = true
    this.#log(WARNING, `limit of ${this.#sessionsMax} concurrent users reached, queueing new connections`)
    for (const listener of this.#listeners) listener.pause()
  }

  /** A session has ended. */
  onRoom(): void {
    if (!this.#isFull || this.#isStopped) return
    this.#isFull = false
    this.#log(NOTICE, 'resuming normal operation')
    for (const listener of this.#listeners) listener.resume()
  }

  /** No more clients, for good. */
  stop(): void {
    this.#isStopped = true
    for (const listener of this.#listeners) listener.close()
    this.#listeners.length = 0
  }
}
