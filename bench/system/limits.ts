import { readFileSync } from 'node:fs'

/** Of a relay or server beside its connections: listeners, logs, the poller, what Node has open. */
const RESERVE = 150

/** The soft limit in the text of /proc/PID/limits; a table without the line limits nothing. */
export function openFilesIn(limits: string): number {
  const soft = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1]
  return soft === undefined || soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft)
}

/**
 * Why a relay cannot hold so many connections, two descriptors each; undefined when it can. Node raises its
 * soft limit to the hard one when it starts, and what it starts has the same.
 */
export function descriptorShortage(connections: number): string | undefined {
  const have = openFilesIn(readFileSync('/proc/self/limits', 'latin1'))
  const need = 2 * connections + RESERVE
  return have >= need ? undefined : `${need} open files (ulimit -Hn), and may have ${have}`
}
