import { SELECT_DESCRIPTORS } from '../../base/poll-mechanism.js'
import type { ConfigProblem } from '../../config/problems.js'
import { descriptorLimit } from '../../kernel/limits.js'
import { childSessionsMax } from '../compile/limits.js'
import { isOwnProgram } from '../compile/worker-plans.js'
import type { Loaded } from '../load/load.js'

/** Warns about `users max` above the descriptor limit, which children inherit from the master. */
export function limitProblems({ given, mechanism, spawnd }: Loaded): readonly ConfigProblem[] {
  const { usersMax } = spawnd.spawn
  const allowed = childSessionsMax()
  if (usersMax <= allowed || !isOwnProgram(spawnd.spawn)) return []
  // The last one is in force; without any, the position is that of `spawn`.
  const directive = given.findLast(({ name, value }) => name === 'users max' && value === usersMax)
  const isCut = mechanism === 'select' && descriptorLimit() === SELECT_DESCRIPTORS
  const limit = isCut ? 'file descriptors than select supports' : 'open files than the limit allows'
  const message = `users max = ${usersMax} requires more ${limit}: a child can serve about ${allowed}`
  return [{ severity: 'warning', position: directive?.position ?? spawnd.spawn.position, message }]
}
