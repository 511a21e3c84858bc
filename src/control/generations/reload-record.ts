/** What became of the reloads since the start of the process. */

export interface FailedReload {
  /** Wall-clock time: milliseconds since 1970. */
  readonly atMs: number
  /** As they were logged. */
  readonly problems: readonly string[]
}

export class ReloadRecord {
  readonly #wallMs: () => number
  #succeeded = 0
  #failed = 0
  #inForceSinceMs: number
  #lastFailure: FailedReload | undefined

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs
    this.#inForceSinceMs = wallMs()
  }

  get succeeded(): number {
    return this.#succeeded
  }

  get failed(): number {
    return this.#failed
  }

  /** Since when the present configuration is in force, wall-clock time. */
  get inForceSinceMs(): number {
    return this.#inForceSinceMs
  }

  /** Undefined: the last reload has succeeded, or there was none. */
  get lastFailure(): FailedReload | undefined {
    return this.#lastFailure
  }

  noteSuccess(): void {
    this.#succeeded++
    this.#inForceSinceMs = this.#wallMs()
    this.#lastFailure = undefined
  }

  noteFailure(problems: readonly string[]): void {
    this.#failed++
    this.#lastFailure = { atMs: this.#wallMs(), problems }
  }
}
