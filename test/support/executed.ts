/** A deterministic measure of work: counts executed blocks of code instead of time. */
import { Session } from 'node:inspector'
import { setFlagsFromString } from 'node:v8'

interface Coverage {
  readonly result: readonly {
    readonly url: string
    readonly functions: readonly { readonly ranges: readonly { readonly count: number }[] }[]
  }[]
}

/**
 * Counts the blocks of the product's code that run during some work: V8 counts every function, branch and loop
 * iteration. The count is the same on any machine under any load. Native code (`indexOf`, a copy of bytes) is not
 * counted.
 */
export class ExecutionCounter {
  readonly #session = new Session()

  constructor() {
    // Optimized code does not count calls of inlined functions.
    setFlagsFromString('--no-opt')
    this.#session.connect()
    this.#session.post('Profiler.enable')
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
  }

  count(work: () => void): number {
    this.#take()
    work()
    return this.#take()
      .result.filter(({ url }) => url.includes('/dist/src/'))
      .flatMap(({ functions }) => functions.flatMap(({ ranges }) => ranges))
      .reduce((sum, { count }) => sum + count, 0)
  }

  close(): void {
    this.#session.disconnect()
  }

  /** The counts since the last call. On the same thread, the inspector replies before `post` returns. */
  #take(): Coverage {
    let taken: Coverage | undefined
    this.#session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error === null) taken = coverage
    })
    if (taken === undefined) throw new Error('V8 returned no counts')
    return taken
  }
}
