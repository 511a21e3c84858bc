/** Module `error`: converts ERR to NAK, until a number of errors in a row have come. */
import { AV } from '../base/mavis-attributes.js'
import { ErrorCount } from './error-count.js'
import { ACK, ERR, FINAL, type Module, type ModuleServices, NAK, type Query } from './module.js'
import type { ErrorSettings } from './settings.js'

export class ErrorModule implements Module {
  /** Errors in a row from which on ERR is passed on unchanged. */
  readonly #threshold: number
  readonly #errors: ErrorCount

  constructor({ file, threshold }: ErrorSettings, { say }: ModuleServices) {
    this.#threshold = threshold
    this.#errors = new ErrorCount(file, say)
  }

  review({ values }: Query): typeof FINAL {
    const result = values[AV.RESULT]
    // NFD is no answer of a working module either: it neither counts nor resets.
    if (result === ERR) {
      if (this.#errors.add() < this.#threshold) values[AV.RESULT] = NAK
    } else if (result === ACK || result === NAK) this.#errors.reset()
    return FINAL
  }

  async close(): Promise<void> {
    this.#errors.close()
  }
}
