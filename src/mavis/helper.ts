/** The life of one helper process, from start to end. */
import type { ByteString } from '../base/byte-string.js'
import { answerCode, codeProblem, setIdentitySource } from './helper-answer.js'
import type { HelperProcess } from './helper-process.js'
import type { HelperEnd, HelperStarter } from './helper-starter.js'
import type { Code } from './module.js'

/** Events of a helper process, for the line or frame protocol on top. */
export interface HelperListener {
  onBytes(bytes: Uint8Array): void
  /** Its standard input has room again. */
  onDrain(): void
  /** It answers nothing more. Called once. */
  onEnd(): void
}

/**
 * Starts the process, counts its answers, and ends it once, whatever the cause. `LineHelper` and
 * `FrameHelper` speak the protocols.
 */
export class Helper {
  /** Time limit for one answer. */
  readonly timeoutMs: number
  readonly #starter: HelperStarter
  /** Becomes IDENTITY_SOURCE. */
  readonly #moduleName: string
  readonly #listener: HelperListener
  readonly #process: HelperProcess
  /** Zero: a death counts as early. */
  #answeredCount = 0
  #hasEnded = false

  /** Starts the process; `starter.mayStart()` has allowed it. */
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

  /** Settles when the process is reaped. */
  get gone(): Promise<void> {
    return this.#process.gone
  }

  get hasEnded(): boolean {
    return this.#hasEnded
  }

  get answeredCount(): number {
    return this.#answeredCount
  }

  /** Bytes written to it that it has not read yet. */
  get waitingBytes(): number {
    return this.#process.waitingBytes
  }

  write(bytes: Uint8Array): void {
    this.#process.write(bytes)
  }

  /** Counts an answer, logs an unknown code, sets IDENTITY_SOURCE. Returns the code that counts. */
  countAnswer(values: (ByteString | undefined)[], code: number | undefined): Code {
    this.#answeredCount++
    const problem = codeProblem(code)
    if (problem !== undefined) this.logProblem(problem)
    const answer = answerCode(code)
    setIdentitySource(values, answer, this.#moduleName)
    return answer
  }

  logProblem(what: string): void {
    this.#starter.logProblem(this.#process, what)
  }

  /** Lets the process end: closes its standard input. */
  dismiss(): void {
    this.#process.finish()
    this.#end('dismissed')
  }

  /** Ends the process by SIGTERM, then SIGKILL. */
  stop(): void {
    this.#process.stop()
    this.#end('dismissed')
  }

  /** Ends it because its output is not an answer. */
  endMisbehaved(how: string): void {
    this.logProblem(`${how} Terminating.`)
    this.#end('misbehaved')
  }

  /** Ends it because it did not answer in time. */
  endLate(): void {
    this.logProblem(`no answer within ${this.timeoutMs / 1_000} s. Terminating.`)
    this.#end('late')
  }

  #end(end: HelperEnd): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    // A dismissed helper ends by itself, or has been stopped by the caller.
    if (end !== 'dismissed') this.#process.stop()
    this.#starter.ended(this.#process, end, this.#answeredCount)
    this.#listener.onEnd()
  }
}
