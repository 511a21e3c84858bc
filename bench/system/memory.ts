import { processTree, readProc } from './process-tree.js'

/** Memory of a process tree, in bytes. */
export interface MemoryReading {
  /**
   * Its own memory: heaps, stacks, shared memory; a page that several processes share is divided among
   * them. Pages of files are left out: programs and libraries, whose share shrinks by megabytes whenever
   * another process on the machine maps them too.
   */
  readonly ownBytes: number
  /** The same with pages of files. */
  readonly pssBytes: number
  /** As PSS, but shared pages count in full for each process. */
  readonly rssBytes: number
}

/** A line such as `Pss:   123 kB` of /proc/PID/smaps_rollup, in bytes. */
export function bytesIn(rollup: string, label: string): number {
  const kilobytes = new RegExp(`^${label}: +(\\d+) kB$`, 'm').exec(rollup)?.[1]
  if (kilobytes === undefined) throw new Error(`smaps_rollup has no ${label}: Linux 5.4 or later is needed`)
  return Number(kilobytes) * 1024
}

export function readMemory(pid: number): MemoryReading {
  // One that has ended meanwhile has no memory.
  const rollups = processTree(pid).flatMap((member) => readProc(`${member}/smaps_rollup`) ?? [])
  const sum = (label: string): number => rollups.reduce((total, rollup) => total + bytesIn(rollup, label), 0)
  return { ownBytes: sum('Pss_Anon') + sum('Pss_Shmem'), pssBytes: sum('Pss'), rssBytes: sum('Rss') }
}
