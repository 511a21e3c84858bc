/** What keeps every process of this program from running here, whatever its configuration says. */
import { existsSync } from 'node:fs'
import { EXIT_OS, EXIT_UNAVAILABLE } from '../base/exit-codes.js'
import { descriptorsOf, type PollMechanism } from '../base/poll-mechanism.js'
import { raiseDescriptorLimit } from '../kernel/limits.js'
import { kernelProblem } from '../kernel/self-check.js'

/** With fewer open files a reactor cannot even load its modules; what loads earlier fails in bin/run-program.js. */
const DESCRIPTORS_MIN = 64

export interface MachineProblem {
  readonly message: string
  readonly exitCode: number
}

/** Checks the kernel, and raises the limit of open files as far as it may. */
export function prepareMachine(mechanism: PollMechanism): MachineProblem | undefined {
  const message = kernelProblem()
  if (message !== undefined) return { message, exitCode: EXIT_UNAVAILABLE }
  const limit = raiseDescriptorLimit(descriptorsOf(mechanism))
  if (limit < DESCRIPTORS_MIN) {
    const least = `at least ${DESCRIPTORS_MIN} are needed (ulimit -n, LimitNOFILE)`
    return { message: `cannot start: ${limit} open files are allowed, ${least}`, exitCode: EXIT_OS }
  }
  if (existsSync('/proc/self/fd')) return undefined
  return {
    message: 'cannot start: /proc is not mounted here: it tells which descriptors are open',
    exitCode: EXIT_OS,
  }
}
