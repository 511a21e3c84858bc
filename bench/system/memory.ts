import { processTree, readProc } from './process-tree.js'

/** Memory of a process tree, in bytes. */
export interface MemoryReading {
  /** Each page that several processes share is divided among them. */
  readonly pssBytes: number
  /** Shared pages count for each process. */
  readonly rssBytes: number
}

/** A line such as `Pss:   123 kB` of /proc/PID/smaps_rollup, in bytes; 0 when it is missing. */
export function bytesIn(rollup: string, label: string): number {
  return Number(new RegExp(`^${label}: +(\\d+) kB$`, 'm').exec(rollup)?.[1] ?? 0) * 1024
}

export function readMemory(pid: number): MemoryReading {
  const rollups = processTree(pid).map((member) => readProc(`${member}/smaps_rollup`) ?? '')
  const sum = (label: string): number => rollups.reduce((total, rollup) => total + bytesIn(rollup, label), 0)
  return { pssBytes: sum('Pss'), rssBytes: sum('Rss') }
}
