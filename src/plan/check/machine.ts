/** Checks what every process needs from this machine, whatever its configuration. */
import { existsSync } from 'node:fs'
import { EXIT_OS, EXIT_UNAVAILABLE } from '../../base/exit-codes.js'
import { descriptorsOf, type PollMechanism } from '../../base/poll-mechanism.js'
import { raiseDescriptorLimit } from '../../kernel/limits.js'
import { kernelProblem } from '../../kernel/self-check.js'

/** Below this limit a reactor cannot load its modules; earlier failures are reported by bin/run-program.js. */
const DESCRIPTORS_MIN = 64

export interface MachineProblem {
  readonly message: string
  readonly exitCode: number
}

/** Checks the kernel, and raises the limit of open files as far as permitted. */
export function prepareMachine(mechanism: PollMechanism): MachineProblem | undefined {
  const message = kernelProblem()
  if (message !== undefined) return { message, exitCode: EXIT_UNAVAILABLE }
  // select(2) handles descriptors below 1024 only: then that is the limit.
  const limit = raiseDescriptorLimit(descriptorsOf(mechanism))
  if (limit < DESCRIPTORS_MIN) {
    const least = `at least ${DESCRIPTORS_MIN} are required (ulimit -n, LimitNOFILE)`
    return { message: `cannot start: the limit of open files is ${limit}, ${least}`, exitCode: EXIT_OS }
  }
  // Without the number of open descriptors, the limit of sessions is unknown.
  if (existsSync('/proc/self/fd')) return undefined
  return {
    message: 'cannot start: /proc is not mounted, it is required to list open descriptors',
    exitCode: EXIT_OS,
  }
}
