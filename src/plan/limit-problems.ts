import { SELECT_DESCRIPTORS } from '../base/poll-mechanism.js'
import type { ConfigProblem } from '../config/problems.js'
import { descriptorLimit } from '../kernel/limits.js'
import type { Loaded } from './load.js'
import { childSessionsMax, isOwnProgram } from './settings.js'

/** What a master's configuration asks for and the limits of this process do not allow; its children inherit them. */
export function limitProblems({ given, mechanism, spawnd }: Loaded): readonly ConfigProblem[] {
  const { usersMax } = spawnd.spawn
  const allowed = childSessionsMax()
  if (usersMax <= allowed || !isOwnProgram(spawnd.spawn)) return []
  const directive = given.findLast(({ name, value }) => name === 'users max' && value === usersMax)
  const isCut = mechanism === 'select' && descriptorLimit() === SELECT_DESCRIPTORS
  const limit = isCut ? 'descriptors than select has' : 'open files than are allowed'
  const message = `users max = ${usersMax} needs more ${limit}: a child takes about ${allowed}`
  return [{ severity: 'warning', position: directive?.position ?? spawnd.spawn.position, message }]
}
