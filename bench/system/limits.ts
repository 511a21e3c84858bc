import { readFileSync } from 'node:fs'

/** Descriptors of a relay or server beside its connections: listeners, logs, the poller, those of Node. */
const RESERVE = 150

/** The soft limit in the text of /proc/PID/limits; without this line there is no limit. */
export function openFilesIn(limits: string): number {
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1]
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

/**
 * Why a relay cannot hold that many connections, two descriptors each; undefined if it can. Node raises its
 * soft limit to the hard one at its start, and its children inherit that.
 */
export function descriptorShortage(connections: number): string | undefined {
  const have = openFilesIn(readFileSync('/proc/self/limits', 'latin1'))
  const need = 2 * connections + RESERVE
  return have >= need ? undefined : `${need} open files (ulimit -Hn), and may have ${have}`
}
