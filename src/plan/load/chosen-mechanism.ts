/** Determines how reactors wait, from IO_POLL_MECHANISM. */
import { choosePollMechanism, POLL_VARIABLE, type PollMechanism } from '../../base/poll-mechanism.js'
import type { Position } from '../../base/problem.js'
import type { Configuration } from '../../config/load.js'
import type { ConfigProblem } from '../../config/problems.js'

/** Position of a value from the environment instead of a file. */
const ENVIRONMENT: Position = { file: '(environment)', line: 1, column: 1 }

/** `setenv` in the configuration overrides the environment of the process. */
export function chosenMechanism({ environment, given }: Pick<Configuration, 'environment' | 'given'>): {
  readonly mechanism: PollMechanism
  readonly problems: readonly ConfigProblem[]
} {
  const mask = environment.get(POLL_VARIABLE)
  const choice = choosePollMechanism(mask)
  if ('mechanism' in choice) return { mechanism: choice.mechanism, problems: [] }
  // The one that set the wrong value; otherwise the environment of the process did.
  const directive = given.findLast(
    ({ name, value }) =>
      name === 'setenv' && Array.isArray(value) && value[0] === POLL_VARIABLE && value[1] === mask,
  )
  const position = directive?.position ?? ENVIRONMENT
  // A placeholder: with an error the process does not start.
  return { mechanism: 'epoll', problems: [{ severity: 'error', position, message: choice.problem }] }
}
