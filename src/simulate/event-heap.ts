/** The events to come of a simulation, the earliest first: a binary heap in typed arrays. */
import { integers, largeNumbers } from './growing-column.js'

export class EventHeap {
  readonly #times = largeNumbers()
  readonly #payloads = integers()

  /** Infinity when there is none. */
  get nextMs(): number {
    return this.#times.count === 0 ? Infinity : (this.#times.values[0] as number)
  }

  /** That of the earliest event; the heap must not be empty. */
  get nextPayload(): number {
    return this.#payloads.values[0] as number
  }

  push(timeMs: number, payload: number): void {
    let at = this.#times.count
    this.#times.push(timeMs)
    this.#payloads.push(payload)
    while (at > 0) {
      const parent = (at - 1) >> 1
      if ((this.#times.values[parent] as number) <= timeMs) break
      this.#move(parent, at)
      at = parent
    }
    this.#set(at, timeMs, payload)
  }

  /** Removes the earliest event and returns its payload; the heap must not be empty. */
  pop(): number {
    const first = this.#payloads.values[0] as number
    const count = --this.#times.count
    this.#payloads.count = count
    if (count > 0) this.#sink(this.#times.values[count] as number, this.#payloads.values[count] as number)
    return first
  }

  /** Puts an event at the top and lets it sink to its place. */
  #sink(timeMs: number, payload: number): void {
    const { count, values } = this.#times
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= count) break
      if (child + 1 < count && (values[child + 1] as number) < (values[child] as number)) child++
      if ((values[child] as number) >= timeMs) break
      this.#move(child, at)
      at = child
    }
    this.#set(at, timeMs, payload)
  }

  #move(from: number, to: number): void {
    this.#set(to, this.#times.values[from] as number, this.#payloads.values[from] as number)
  }

  #set(at: number, timeMs: number, payload: number): void {
    this.#times.values[at] = timeMs
    this.#payloads.values[at] = payload
  }
}
