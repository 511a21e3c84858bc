import type { ByteString } from '../base/byte-string.js'
import type { Code } from './module.js'
import type { ScriptEnd } from './script.js'

/** What has happened to a question, for people who wonder. */
export interface Step {
  /** The name of the module in the chain; '' of the question, before the first one. */
  readonly module: string
  readonly what:
    | 'question'
    | 'script in'
    | 'asked'
    | 'answered'
    /** `action error` or `action not-found` has made something else of the answer. */
    | 'action'
    | 'script interim'
    | 'reviewed'
    | 'script out'
  /** How a script has ended, or what the module says; undefined: it is asked, or has failed. */
  readonly outcome: Code | ScriptEnd | undefined
  /** What the attributes have become since the step before; undefined: they are gone. */
  readonly changes: ReadonlyMap<number, ByteString | undefined>
}

/** Tells steps with what each has changed. */
export class StepReporter {
  readonly #onStep: (step: Step) => void
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
