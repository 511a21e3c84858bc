import type { ByteString } from '../base/byte-string.js'
import { answerCode, codeProblem, setIdentitySource } from './helper-answer.js'
import type { HelperProcess } from './helper-process.js'
import type { HelperEnd, HelperStarter } from './helper-starter.js'
import type { Code } from './module.js'

/** What its worker hears of it. */
export interface HelperListener {
  onBytes(bytes: Uint8Array): void
  /** It has taken what was written to it. */
  onDrain(): void
  /** It answers nothing more. Told once. */
  onEnd(): void
}

/** One helper process at work, from its start to its end, whoever brings that about. How it is talked to is its worker's. */
export class Helper {
  /** For one answer. */
  readonly timeoutMs: number
  readonly #starter: HelperStarter
  readonly #moduleName: string
  readonly #listener: HelperListener
  readonly #process: HelperProcess
  #answeredCount = 0
  #hasEnded = false

  /** Starts it; the starter allows that. */
  constructor(starter: HelperStarter, moduleName: string, timeoutMs: number, listener: HelperListener) {
    this.timeoutMs = timeoutMs
    this.#starter = starter
    this.#moduleName = moduleName
    this.#listener = listener
    this.#process = starter.start({
      onBytes: (bytes) => listener.onBytes(bytes),
      onDrain: () => listener.onDrain(),
      onEnd: () => this.#end('died'),
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** Settles when its process is reaped. */
  get gone(): Promise<void> {
    return this.#process.gone
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get answeredCount(): number {
    return this.#answeredCount
  }

  /** Bytes that it has not taken yet. */
  get waitingBytes(): number {
    return this.#process.waitingBytes
  }

  write(bytes: Uint8Array): void {
    this.#process.write(bytes)
  }

  /** It has answered a question: what its code means. Its name comes to the values, where they are a verdict. */
  countAnswer(values: (ByteString | undefined)[], code: number | undefined): Code {
    this.#answeredCount++
    const trouble = codeProblem(code)
    if (trouble !== undefined) this.logProblem(trouble)
    const answer = answerCode(code)
    setIdentitySource(values, answer, this.#moduleName)
    return answer
  }

  logProblem(what: string): void {
    this.#starter.logProblem(this.#process, what)
  }

  /** It is not needed any more: it may finish. */
  dismiss(): void {
    this.#process.finish()
    this.#end('dismissed')
  }

  /** It has to end, whatever it does. */
  stop(): void {
    this.#process.stop()
    this.#end('dismissed')
  }

  /** What it sends is no answer. */
  endMisbehaved(how: string): void {
    this.logProblem(`${how} Terminating.`)
    this.#end('misbehaved')
  }

  endLate(): void {
    this.logProblem(`no answer within ${this.timeoutMs / 1_000} s. Terminating.`)
    this.#end('late')
  }

  #end(end: HelperEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    if (end !== 'dismissed') this.#process.stop()
    this.#starter.ended(this.#process, end, this.#answeredCount)
    this.#listener.onEnd()
  }
}
