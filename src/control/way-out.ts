/** The end of a process: everybody who has something to finish is asked once, then it exits. */
import { exitNow } from '../kernel/exit-now.js'

/** What has to happen before the process may end. */
export interface Leaver {
  /** Starts ending; `done` is called when nothing is left to do. */
  leave(done: () => void): void
}

/** A thread that does not end by itself within this time is left behind. */
const LEAVE_MAX_MS = 1_000

/**
 * The one way out of the process. With a reactor blocked in its poller, `process.exit`, an uncaught exception
 * and an unhandled rejection would hang for ever, so all of them come here.
 */
export class WayOut {
  readonly #leavers: Leaver[] = []
  #isLeaving = false

  /** Is asked to end before the process does; the last one added is asked first. */
  add(leaver: Leaver): void {
    this.#leavers.unshift(leaver)
  }

  /** Ends the process with this exit code; further calls change nothing. */
  leave(code: number): void {
    if (this.#isLeaving) return
    this.#isLeaving = true
    setTimeout(() => exitNow(code), LEAVE_MAX_MS)
    this.#leaveNext([...this.#leavers], code)
  }

  /** From now on nothing that is thrown on this thread can hang the process; `report` is told of it first. */
  catchAll(report: (error: unknown) => void, code: number): void {
    // What is thrown in here would end the process Node's way, and that is the one that hangs.
    const onError = (error: unknown) => {
      try {
        report(error)
      } catch {}
      this.leave(code)
    }
    process.on('uncaughtException', onError)
    process.on('unhandledRejection', onError)
  }

  #leaveNext(left: Leaver[], code: number): void {
    const next = left.shift()
    if (next === undefined) endProcess(code)
    try {
      next.leave(() => this.#leaveNext(left, code))
    } catch {
      this.#leaveNext(left, code)
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
