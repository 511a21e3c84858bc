import { changed, type LiveState, type StateChange } from '../../engine/live-state.js'

/** The live state of one generation: running reactors get each change, those that start later the whole. */
export class StateKeeper {
  #present: LiveState
  readonly #tell: (change: StateChange) => void

  /** `tell` passes a change to every running reactor of the generation. */
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
