import { errorText } from '../kernel/errno.js'
import { WARNING } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'

/** Trouble of the relay's own, such as a lack of descriptors: told once until something works again. */
export class Trouble {
  readonly #log: Say
  #told = 0

  constructor(log: Say) {
    this.#log = log
  }

  /** `what` cannot be done because of `errno` (positive). */
  tell(what: string, errno: number): void {
    if (this.#told === errno) return
    this.#told = errno
    this.#log(WARNING, `${what}: ${errorText(errno)}`)
  }

  /** It works again. */
  isOver(): void {
    this.#told = 0
  }
}
