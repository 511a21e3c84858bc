/** Aborts a request when its time is up, or when its source is closed. */
export class TimeLimit {
  readonly #abort = new AbortController()
  readonly #outer: AbortSignal
  readonly #timer: NodeJS.Timeout
  readonly #onOuter = () => this.#abort.abort()
  #isOver = false

  /** The time begins now. */
  constructor(ms: number, outer: AbortSignal) {
    this.#outer = outer
    this.#timer = setTimeout(() => {
      this.#isOver = true
      this.#abort.abort()
    }, ms)
    if (outer.aborted) this.#abort.abort()
    else outer.addEventListener('abort', this.#onOuter, { once: true })
  }

  get signal(): AbortSignal {
    return this.#abort.signal
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** No more time is counted. */
  lift(): void {
    clearTimeout(this.#timer)
  }

  /** Call when nothing more of the answer is wanted: ends the connection. */
  end(): void {
    this.lift()
    this.#outer.removeEventListener('abort', this.#onOuter)
    this.#abort.abort()
  }
}
