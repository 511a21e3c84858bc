import type { ByteString } from '../base/byte-string.js'
import type { Code } from './module.js'
import type { ScriptEnd } from './script.js'

/** One step of a query through the chain, as `mavis-test` shows it. */
export interface Step {
  /** The module's name; '' for the initial query, before the first module. */
  readonly module: string
  readonly what:
    | 'query'
    | 'script in'
    | 'asked'
    | 'answered'
    /** `action error` or `action not-found` changed the answer. */
    | 'action'
    | 'script interim'
    | 'reviewed'
    | 'script out'
  /** How the script ended, or the module's code; undefined when the module is asked or has failed. */
  readonly outcome: Code | ScriptEnd | undefined
  /** Attributes changed since the previous step; undefined means removed. */
  readonly changes: ReadonlyMap<number, ByteString | undefined>
}

/** Reports steps, each with the attributes that it changed. */
export class StepReporter {
  readonly #onStep: (step: Step) => void
  /** Values at the previous step, a copy. */
  #before: readonly (ByteString | undefined)[]

  constructor(values: readonly (ByteString | undefined)[], onStep: (step: Step) => void) {
    this.#onStep = onStep
    this.#before = [...values]
  }

  report(step: Pick<Step, 'module' | 'what' | 'outcome'>, values: readonly (ByteString | undefined)[]): void {
    const changes = new Map<number, ByteString | undefined>()
    for (let number = 0; number < Math.max(values.length, this.#before.length); number++) {
      if (values[number] !== this.#before[number]) changes.set(number, values[number])
    }
    this.#before = [...values]
    this.#onStep({ ...step, changes })
  }
}
