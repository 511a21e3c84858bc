import { readdirSync } from 'node:fs'
import { processTree, readProc, statFields } from './process-tree.js'

/** USER_HZ: the unit of /proc/PID/stat, 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100

/** CPU time that a process tree has used so far, read from two clocks. */
export interface CpuReading {
  /** Of the threads alive now: exact, but without threads that have ended. */
  readonly liveNs: number
  /** Of all threads and of reaped children: complete, but in steps of 10 ms. */
  readonly ticks: number
  readonly processCount: number
}

/** A folder's entries; none if the process has ended meanwhile. */
function threadsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}

function liveNsOf(pid: number): number {
  let sumNs = 0
  for (const thread of threadsOf(pid)) {
    const schedstat = readProc(`${pid}/task/${thread}/schedstat`)
    sumNs += Number(schedstat?.split(' ')[0] ?? 0)
  }
  return sumNs
}

/** utime, stime, and both of the children that ended: fields 14 to 17 of proc(5). */
export function ticksIn(stat: string): number {
  return statFields(stat)
    .slice(11, 15)
    .reduce((sum, field) => sum + Number(field), 0)
}

export function readCpu(pid: number): CpuReading {
  const pids = processTree(pid)
  let liveNs = 0
  let ticks = 0
  for (const member of pids) {
    liveNs += liveNsOf(member)
    ticks += ticksIn(readProc(`${member}/stat`) ?? '')
  }
  return { liveNs, ticks, processCount: pids.length }
}

/** CPU time of each process that descends from `pid`, by its id, in nanoseconds. */
export function readChildrenCpu(pid: number): ReadonlyMap<number, number> {
  return new Map(processTree(pid).flatMap((member) => (member === pid ? [] : [[member, liveNsOf(member)]])))
}

/**
 * CPU seconds used between two readings. The exact clock is used, unless the coarse one has counted so much
 * more that a thread or child must have ended in between.
 */
export function cpuSecondsBetween(before: CpuReading, after: CpuReading): number {
  const liveSeconds = (after.liveNs - before.liveNs) / 1e9
  const tickSeconds = (after.ticks - before.ticks) / TICKS_PER_SECOND
  // utime and stime are each rounded down to a whole tick, at both readings.
  const roundingSeconds = (2 * Math.max(before.processCount, after.processCount) + 1) / TICKS_PER_SECOND
  return tickSeconds - liveSeconds > roundingSeconds ? tickSeconds : liveSeconds
}

/** Busy seconds in a line of /proc/stat, time stolen by the hypervisor included. */
export function busySecondsIn(line: string): number {
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number)
  const sum = [user, nice, system, irq, softirq, steal].reduce<number>(
    (total, part) => total + (part ?? 0),
    0,
  )
  return sum / TICKS_PER_SECOND
}

/** How long the core has been busy since boot. */
export function readCoreBusySeconds(core: number): number {
  const line = (readProc('stat') ?? '').split('\n').find((text) => text.startsWith(`cpu${core} `))
  return busySecondsIn(line ?? '')
}
