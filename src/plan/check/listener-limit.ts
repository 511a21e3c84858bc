/**
 * Checks the number of listeners against the limit of open files. At most half may listen, the rest is for
 * sessions.
 */
import { descriptorsOf } from '../../base/poll-mechanism.js'
import type { ConfigProblem } from '../../config/problems.js'
import { allowedDescriptors } from '../../kernel/limits.js'
import type { Loaded } from '../load/load.js'

const LISTENERS_PART = 2

/** An error at the first listener above the limit. */
export function listenerProblems(
  { mechanism, spawnd }: Pick<Loaded, 'mechanism' | 'spawnd'>,
  allowed = allowedDescriptors(descriptorsOf(mechanism)),
): readonly ConfigProblem[] {
  const { listeners } = spawnd
  const first = listeners[Math.floor(allowed / LISTENERS_PART)]
  if (first === undefined) return []
  const message =
    `too many listening sockets: ${listeners.length} exceed half of the limit of ${allowed} open files, ` +
    'the rest is for sessions (ulimit -n, LimitNOFILE)'
  return [{ severity: 'error', position: first.position, message }]
}
