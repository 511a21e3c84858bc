/** The end of a process: every registered step runs once, then it exits. */
import { exitNow } from '../../kernel/exit-now.js'

/** What has to happen before the process may exit. */
export interface ShutdownStep {
  /** Starts ending; `done` is called when nothing is left to do. */
  end(done: () => void): void
}

/** Limit for all steps together: the process then exits with threads still running. */
const SHUTDOWN_MAX_MS = 1_000

/**
 * Ends the process, whatever the reason. With a reactor blocked in its poller, `process.exit`, an uncaught exception
 * and an unhandled rejection would hang forever, so all of them come here.
 */
export class Shutdown {
  readonly #steps: ShutdownStep[] = []
  #hasBegun = false

  /** Steps run one after the other; the last one added runs first. */
  add(step: ShutdownStep): void {
    this.#steps.unshift(step)
  }

  /** Ends the process with this exit code; further calls are no-ops. */
  exit(code: number): void {
    if (this.#hasBegun) return
    this.#hasBegun = true
    setTimeout(() => exitNow(code), SHUTDOWN_MAX_MS)
    this.#runNext([...this.#steps], code)
  }

  /** Exits with `code` after an uncaught exception or rejection on this thread; `report` logs it first. */
  catchAll(report: (error: unknown) => void, code: number): void {
    // An exception in here would end the process by Node's own exit, which hangs.
    const onError = (error: unknown) => {
      try {
        report(error)
      } catch {}
      this.exit(code)
    }
    process.on('uncaughtException', onError)
    process.on('unhandledRejection', onError)
  }

  #runNext(left: ShutdownStep[], code: number): void {
    const next = left.shift()
    if (next === undefined) endProcess(code)
    try {
      next.end(() => this.#runNext(left, code))
    } catch {
      this.#runNext(left, code)
    }
  }
}

/**
 * Node's own exit waits for the threads of libuv's pool, and a name lookup or a file of a dead server can take minutes
 * there: _exit(2) does not. What profiles the process writes its results in Node's exit.
 */
function endProcess(code: number): never {
  if (isProfiled()) process.exit(code)
  process.emit('exit', code)
  exitNow(code)
}

function isProfiled(): boolean {
  const words = [...process.execArgv, process.env.NODE_OPTIONS ?? '']
  return process.env.NODE_V8_COVERAGE !== undefined || words.some((word) => /--(cpu|heap)-prof/.test(word))
}
