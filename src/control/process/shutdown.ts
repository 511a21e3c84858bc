/** The shutdown of a process: every registered step runs once, then it exits. */
import { exitNow } from '../../kernel/exit-now.js'

/** A step that must complete before the process exits. */
export interface ShutdownStep {
  /** Starts the step; `done` is called when it is complete. */
  end(done: () => void): void
}

/** Limit for all steps together: the process then exits with threads still running. */
const SHUTDOWN_MAX_MS = 1_000

/**
 * Ends the process, for every reason. While a reactor is blocked in its poller, `process.exit`, an uncaught exception
 * and an unhandled rejection would hang forever, so all of them are handled here.
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
    // A step may wait for a thread that hangs.
    setTimeout(() => exitNow(code), SHUTDOWN_MAX_MS)
    this.#runNext([...this.#steps], code)
  }

  /** Exits with `code` after an uncaught exception or rejection on this thread; `report` logs it first. */
  catchAll(report: (error: unknown) => void, code: number): void {
    // An exception in this handler would end the process by Node's own exit, which hangs.
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
      // A step that throws must not prevent the others.
      this.#runNext(left, code)
    }
  }
}

/**
 * Uses _exit(2), because Node's own exit waits for libuv's thread pool, where a name lookup or a file on a dead server
 * can take minutes. Under a profiler Node's exit is used, because it writes the profile.
 */
function endProcess(code: number): never {
  if (isProfiled()) process.exit(code)
  // _exit runs no handlers, and those of 'exit' write the last log lines.
  process.emit('exit', code)
  exitNow(code)
}

function isProfiled(): boolean {
  const words = [...process.execArgv, process.env.NODE_OPTIONS ?? '']
  return process.env.NODE_V8_COVERAGE !== undefined || words.some((word) => /--(cpu|heap)-prof/.test(word))
}
