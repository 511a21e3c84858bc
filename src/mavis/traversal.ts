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

/** Who has the traversal. */
export interface TraversalOwner {
  readonly entries: readonly ChainEntry[]
  /** It waited, and can go on. */
  wake(traversal: Traversal): void
  /** A module or script has thrown: the question gets ERR. */
  failed(name: string, error: unknown): void
}

/**
 * What comes next: `enter` a entry on the way down, `wait` for what its module answers, `look` at a final answer on the
 * way up, `leave` the entry by its last script, or nothing more.
 */
type Move = 'enter' | 'wait' | 'review' | 'leave' | 'end'

/**
 * The way of one question down the chain and up again. Modules below may be asked again by a module that looks at their
 * answer, once by each: so it ends.
 */
export class Traversal {
  readonly query: Query
  readonly #owner: TraversalOwner
  readonly #reporter: StepReporter | undefined
  #move: Move
  /** The entry that the question is at. */
  #at = 0
  /** The lowest entry that it has come to. */
  #lowest = 0
  /** Links whose script has said so: on the way up they are passed over. */
  readonly #skipped = new Set<number>()
  /** Links that have sent an answer down again. */
  readonly #sentDown = new Set<number>()
  /** What the module has answered, and in the end the whole chain. */
  #code: Code | undefined
  /** Answers of earlier turns are not for now. */
  #turn = 0
  #isMoving = false
  #isWithdrawn = false

  constructor(query: Query, owner: TraversalOwner, reporter: StepReporter | undefined) {
    this.query = query
    this.#owner = owner
    this.#reporter = reporter
    this.#move = owner.entries.length === 0 ? 'end' : 'enter'
    this.#code = owner.entries.length === 0 ? FINAL : undefined
  }

  /** Goes on until a module has to be waited for. Answers what the chain answers, once it does; never once withdrawn. */
  advance(): Code | undefined {
    this.#isMoving = true
    while (this.#move !== 'end' && !this.#isWaiting && !this.#isWithdrawn) this.#move = this.#next(this.#move)
    this.#isMoving = false
    if (this.#move !== 'end' || this.#isWithdrawn) return undefined
    if (this.#code === FINAL) this.query.values[AV.RESULT] ??= NFD
    return this.#code
  }

  /** Whoever is asked may forget it. */
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
      if (turn === this.#turn) this.#fail()
      this.#answer(turn, FINAL)
    }
    return 'wait'
  }

  /** Of the module that is asked. Only its first answer counts. */
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
    // What nobody below has answered is final, and nothing that the last module would look at.
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

  /** What the module says to the answer. */
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
   * A module that says DOWN wants the modules below to be asked, again if they have been. `action …` only asks those
   * that have not: the others would say the same once more, and what they have said stays.
   */
  #applyReview(code: Code): Move {
    const isNews = this.#lowest === this.#at
    if (!isNews && (code !== DOWN || this.#sentDown.has(this.#at))) return 'leave'
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

  /** What an answer comes to by `action error` and `action not-found`. */
  #settled(code: Code): Code {
    const { settings } = this.#entry
    const { values } = this.query
    const result = values[AV.RESULT]
    const isPassedOn =
      (result === ERR && settings.onError === 'continue') ||
      (result === NFD && settings.onNotFound === 'continue')
    if (code === FINAL && isPassedOn && !this.#isLast) {
      values[AV.RESULT] = NFD
      values[AV.USER_RESPONSE] = undefined
      this.#report('action', DOWN)
      return DOWN
    }
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
    this.query.values[AV.COMMENT] = `module ${this.#entry.settings.name} fails`
  }

  #report(what: Step['what'], outcome: Code | ScriptEnd | undefined): void {
    this.#reporter?.report({ module: this.#entry.settings.name, what, outcome }, this.query.values)
  }
}
