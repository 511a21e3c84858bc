import { changed, type LiveState, type StateChange } from '../../engine/live-state.js'

/** The live state of one generation, which reactors that run hear of, and those that start later begin with. */
export class StateKeeper {
  #present: LiveState
  readonly #tell: (change: StateChange) => void

  /** `tell`: hands a change to every reactor of the generation that runs. */
  constructor(initial: LiveState, tell: (change: StateChange) => void) {
    this.#present = initial
    this.#tell = tell
  }

  get present(): LiveState {
    return this.#present
  }

  applyState(change: StateChange): void {
    this.#present = changed(this.#present, change)
    this.#tell(change)
  }
}
