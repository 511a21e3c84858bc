/** How one query passes through the modules of a chain. */
import { AV } from '../base/mavis-attributes.js'
import { type Code, DOWN, ERR, FINAL, IGNORE, type Module, NAK, NFD, type Query } from './module.js'
import type { Script, ScriptEnd } from './script.js'
import { runScript } from './script-run.js'
import type { CommonModuleSettings } from './settings.js'
import type { Step, StepReporter } from './step.js'

/** A module and its place in the chain. */
export interface ChainEntry {
  readonly module: Module
  readonly settings: CommonModuleSettings
}

/** The chain that a traversal belongs to. */
export interface TraversalOwner {
  readonly entries: readonly ChainEntry[]
  /** The module that the traversal waited for has answered. */
  wake(traversal: Traversal): void
  /** A module or script has thrown; the query gets RESULT ERR. */
  failed(name: string, error: unknown): void
}

/**
 * The next move: `enter` an entry on the way down, `wait` for its module's answer, `review` a final answer on the way up,
 * `leave` the entry through its `script out`, or `end`.
 */
type Move = 'enter' | 'wait' | 'review' | 'leave' | 'end'

/**
 * One query's traversal of the chain: down to a final answer and up again. A module that reviews an answer may send the
 * query down again, but each only once, so the traversal always ends.
 */
export class Traversal {
  readonly query: Query
  readonly #owner: TraversalOwner
  readonly #reporter: StepReporter | undefined
  #move: Move
  /** Index of the current entry. */
  #at = 0
  /** Index of the lowest entry reached so far. */
  #lowest = 0
  /** Entries whose script said `skip`: passed over on the way up. */
  readonly #skipped = new Set<number>()
  /** Entries that have sent the query down again. */
  readonly #sentDown = new Set<number>()
  /** The current module's answer, and in the end that of the whole chain. */
  #code: Code | undefined
  /** Counts calls of modules: an answer to an earlier call is ignored. */
  #turn = 0
  /** `advance` is on the call stack: an answer from within needs no `wake`. */
  #isMoving = false
  #isWithdrawn = false

  constructor(query: Query, owner: TraversalOwner, reporter: StepReporter | undefined) {
    this.query = query
    this.#owner = owner
    this.#reporter = reporter
    this.#move = owner.entries.length === 0 ? 'end' : 'enter'
    this.#code = owner.entries.length === 0 ? FINAL : undefined
  }

  /** Runs until a module has to be waited for. Returns the chain's answer at the end, and never after `withdraw`. */
  advance(): Code | undefined {
    this.#isMoving = true
    while (this.#move !== 'end' && !this.#isWaiting && !this.#isWithdrawn) this.#move = this.#next(this.#move)
    this.#isMoving = false
    if (this.#move !== 'end' || this.#isWithdrawn) return undefined
    // A chain in which no module set a RESULT has not found the client.
    if (this.#code === FINAL) this.query.values[AV.RESULT] ??= NFD
    return this.#code
  }

  /** Drops the query; a module that is working on it is notified. */
  withdraw(): void {
    this.#isWithdrawn = true
    this.#turn++
    if (!this.#isWaiting) return
    const { module, settings } = this.#entry
    try {
      module.withdraw?.(this.query)
    } catch (error) {
      this.#owner.failed(settings.name, error)
    }
  }

  get #entry(): ChainEntry {
    return this.#owner.entries[this.#at] as ChainEntry
  }

  get #isWaiting(): boolean {
    return this.#move === 'wait' && this.#code === undefined
  }

  get #isLast(): boolean {
    return this.#at === this.#owner.entries.length - 1
  }

  #next(move: Exclude<Move, 'end'>): Move {
    switch (move) {
      case 'enter':
        return this.#enter()
      case 'wait':
        return this.#received(this.#code ?? IGNORE)
      case 'review':
        return this.#review()
      case 'leave':
        return this.#leave()
    }
  }

  #enter(): Move {
    const { settings } = this.#entry
    this.#lowest = Math.max(this.#lowest, this.#at)
    // The script may decide otherwise when the query comes down again.
    this.#skipped.delete(this.#at)
    switch (this.#run('script in', settings.scriptIn)) {
      case 'skip':
        this.#skipped.add(this.#at)
        return this.#down()
      case 'return':
        return 'leave'
      case 'failed':
        return this.#received(FINAL)
      default:
        return this.#ask()
    }
  }

  #ask(): Move {
    const { module, settings } = this.#entry
    if (module.ask === undefined) return this.#down()
    const turn = ++this.#turn
    this.#code = undefined
    this.#move = 'wait'
    this.#report('asked', undefined)
    try {
      module.ask(this.query, (code) => this.#answer(turn, code))
    } catch (error) {
      this.#owner.failed(settings.name, error)
      // If it has answered before it threw, the answer counts.
      if (turn === this.#turn) this.#fail()
      this.#answer(turn, FINAL)
    }
    return 'wait'
  }

  /** Takes the first answer of the current module; further ones are ignored. */
  #answer(turn: number, code: Code): void {
    if (turn !== this.#turn) return
    this.#turn++
    this.#code = code
    this.#report('answered', code)
    if (!this.#isMoving) this.#owner.wake(this)
  }

  #received(answered: Code): Move {
    const code = this.#settled(answered)
    if (code === DOWN) return this.#down()
    if (code === FINAL) return 'review'
    return this.#finish(code)
  }

  #down(): Move {
    // Without an answer from any module the query is over, and the last module has nothing to review.
    if (this.#isLast) return 'leave'
    this.#at++
    return 'enter'
  }

  #review(): Move {
    if (this.#skipped.has(this.#at)) return 'leave'
    const { settings } = this.#entry
    switch (this.#run('script interim', settings.scriptInterim)) {
      case 'skip':
        this.#skipped.add(this.#at)
        return 'leave'
      case 'return':
        return 'leave'
      case 'failed':
        return this.#applyReview(FINAL)
      default:
        return this.#applyReview(this.#reviewByModule())
    }
  }

  /** Lets the module review the answer; returns its decision. */
  #reviewByModule(): Code {
    const { module, settings } = this.#entry
    if (module.review === undefined) return FINAL
    let code: Code | undefined
    try {
      code = module.review(this.query)
    } catch (error) {
      this.#owner.failed(settings.name, error)
      this.#fail()
    }
    this.#report('reviewed', code)
    return code ?? FINAL
  }

  /**
   * DOWN from a review sends the query to the modules below, again if they have answered already. `action …` sends it
   * only to modules that were not asked yet: the others would repeat their answer.
   */
  #applyReview(code: Code): Move {
    const isLowest = this.#lowest === this.#at
    if (!isLowest && (code !== DOWN || this.#sentDown.has(this.#at))) return 'leave'
    if (this.#settled(code) !== DOWN || this.#isLast) return 'leave'
    this.#sentDown.add(this.#at)
    return this.#down()
  }

  #leave(): Move {
    if (!this.#skipped.has(this.#at)) this.#run('script out', this.#entry.settings.scriptOut)
    if (this.#at === 0) return this.#finish(FINAL)
    this.#at--
    return 'review'
  }

  #finish(code: Code): Move {
    this.#code = code
    return 'end'
  }

  /** Applies `action error` and `action not-found` to an answer. */
  #settled(code: Code): Code {
    const { settings } = this.#entry
    const { values } = this.query
    const result = values[AV.RESULT]
    const isPassedOn =
      (result === ERR && settings.onError === 'continue') ||
      (result === NFD && settings.onNotFound === 'continue')
    if (code === FINAL && isPassedOn && !this.#isLast) {
      // As the original: the modules below see an unknown client, and no message of this module.
      values[AV.RESULT] = NFD
      values[AV.USER_RESPONSE] = undefined
      this.#report('action', DOWN)
      return DOWN
    }
    // A module may set NFD without taking responsibility for the query.
    if (code === DOWN && result === NFD && settings.onNotFound === 'reject') {
      values[AV.RESULT] = NAK
      this.#report('action', FINAL)
      return FINAL
    }
    return code
  }

  #run(what: Step['what'], script: Script | undefined): ScriptEnd | 'failed' {
    if (script === undefined) return 'end'
    const { name } = this.#entry.settings
    try {
      const end = runScript(script, this.query.values, name)
      this.#report(what, end)
      return end
    } catch (error) {
      this.#owner.failed(name, error)
      this.#fail()
      this.#report(what, undefined)
      return 'failed'
    }
  }

  #fail(): void {
    this.query.values[AV.RESULT] = ERR
    this.query.values[AV.COMMENT] = `module ${this.#entry.settings.name} failed`
  }

  #report(what: Step['what'], outcome: Code | ScriptEnd | undefined): void {
    this.#reporter?.report({ module: this.#entry.settings.name, what, outcome }, this.query.values)
  }
}
