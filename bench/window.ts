import type { Sample } from './sample.js'
import { LOAD_CORE, RELAY_CORE } from './system/cores.js'
import {
  type CpuReading,
  cpuSecondsBetween,
  readChildrenCpu,
  readCoreBusySeconds,
  readCpu,
} from './system/cpu-clock.js'

export type WindowReading = Pick<Sample, 'cpuSeconds' | 'childCpuSeconds' | 'windowSeconds' | 'foreignShare'>

interface OthersReading {
  readonly busySeconds: number
  readonly own: CpuReading
}

/** CPU use of both cores, and the share of this program and its descendants (relay, server, generator). */
function readOthers(): OthersReading {
  const busySeconds = readCoreBusySeconds(RELAY_CORE) + readCoreBusySeconds(LOAD_CORE)
  return { busySeconds, own: readCpu(process.pid) }
}

function foreignSecondsBetween(before: OthersReading, after: OthersReading): number {
  const ownSeconds = cpuSecondsBetween(before.own, after.own)
  return Math.max(0, after.busySeconds - before.busySeconds - ownSeconds)
}

/** Starts to watch the relay's process tree; the returned function reports the use since. */
export function openWindow(pid: number): () => WindowReading {
  const startMs = performance.now()
  const othersBefore = readOthers()
  const childrenBefore = readChildrenCpu(pid)
  const before = readCpu(pid)
  return () => {
    const after = readCpu(pid)
    const childrenAfter = readChildrenCpu(pid)
    const foreignSeconds = foreignSecondsBetween(othersBefore, readOthers())
    const windowSeconds = (performance.now() - startMs) / 1e3
    return {
      cpuSeconds: cpuSecondsBetween(before, after),
      childCpuSeconds: [...childrenAfter].map(([child, ns]) => (ns - (childrenBefore.get(child) ?? 0)) / 1e9),
      windowSeconds,
      foreignShare: foreignSeconds / windowSeconds,
    }
  }
}
