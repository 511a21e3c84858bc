import { childrenOf } from './proc.js'

/** Signals by which a runner of tests, a time limit or a terminal ends this process. */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const

const running = new Set<number>()

/**
 * Kills a program, and what it has started, if this process ends before `hasEnded` is called: the steps of `afterwards`
 * run only when the test ends. Processes that a test has stopped would stay for ever.
 */
export function killWithUs(pid: number): void {
  if (running.size === 0) watchOurEnd()
  running.add(pid)
}

export function hasEnded(pid: number): void {
  running.delete(pid)
  if (running.size === 0) ignoreOurEnd()
}

function watchOurEnd(): void {
  process.on('exit', killAll)
  for (const signal of SIGNALS) process.on(signal, endBy)
}

/** A listener less for what a test checks of this process. */
function ignoreOurEnd(): void {
  process.off('exit', killAll)
  for (const signal of SIGNALS) process.off(signal, endBy)
}

/** Without the listener the signal has its usual effect. */
function endBy(signal: NodeJS.Signals): void {
  killAll()
  ignoreOurEnd()
  process.kill(process.pid, signal)
}

function killAll(): void {
  for (const pid of [...running].flatMap(withDescendants)) kill(pid)
  running.clear()
}

/** Children of a master that is killed first are not replaced. */
function withDescendants(pid: number): number[] {
  try {
    return [pid, ...childrenOf(pid).flatMap((child) => withDescendants(Number(child)))]
  } catch {
    return [] // it has just ended
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has just ended.
  }
}
