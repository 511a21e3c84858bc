import { descriptorsOf } from '../base/poll-mechanism.js'
import type { ConfigProblem } from '../config/problems.js'
import { allowedDescriptors } from '../kernel/limits.js'
import type { Loaded } from './load.js'

/** Listening sockets may be half of the open files: without descriptors for sessions they are of no use. */
const LISTENERS_PART = 2

/** Why there are more listening sockets than this process may have beside its sessions. */
export function listenerProblems(
  { mechanism, spawnd }: Pick<Loaded, 'mechanism' | 'spawnd'>,
  allowed = allowedDescriptors(descriptorsOf(mechanism)),
): readonly ConfigProblem[] {
  const { listeners } = spawnd
  const first = listeners[Math.floor(allowed / LISTENERS_PART)]
  if (first === undefined) return []
  const message =
    `${listeners.length} listening sockets are too many: half of the ${allowed} open files that are allowed ` +
    'are for sessions (ulimit -n, LimitNOFILE)'
  return [{ severity: 'error', position: first.position, message }]
}
