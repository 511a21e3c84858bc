import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Relay } from './relays/relay.js'
import type { Sample } from './sample.js'
import { LOAD_CORE, pinned, RELAY_CORE } from './system/cores.js'
import {
  type CpuReading,
  cpuSecondsBetween,
  readChildrenCpu,
  readCoreBusySeconds,
  readCpu,
} from './system/cpu-clock.js'
import type { Launch } from './system/launch.js'
import { OwnProcess } from './system/own-process.js'
import { freePort, untilListening } from './system/port.js'
import type { Workload } from './workloads/workload.js'

/** A generator that takes this much longer than it was told hangs, because its relay does. */
const OVERTIME_MS = 10_000

export interface Effort {
  readonly seconds: number
  readonly warmUpMs: number
  /** How many measurements that others disturbed are made again in the whole run, so that it stays bounded. */
  readonly repeatsMax: number
}

export type Measurement = Omit<Sample, 'round'>

/** Everything that one measurement leaves behind until it is cleaned up. */
export class Bench {
  readonly dir = mkdtempSync(join(tmpdir(), 'tcprelay-bench-'))
  readonly #processes: OwnProcess[] = []
  #isOver = false

  start(name: string, launch: Launch, core: number | string): OwnProcess {
    if (this.#isOver) throw new Error('the measurement was stopped')
    const started = new OwnProcess(pinned(launch, core), join(this.dir, name))
    this.#processes.push(started)
    return started
  }

  /** Runs a program to its end. */
  async run(name: string, launch: Launch, limitMs: number): Promise<OwnProcess> {
    const started = this.start(name, launch, LOAD_CORE)
    if (!(await started.endsWithin(limitMs))) throw new Error(`${launch.command} did not finish`)
    return started
  }

  /** Ends what was started last first: a relay before the server behind it. */
  async clear(): Promise<void> {
    for (const started of this.#processes.toReversed()) await started.end()
    this.#removeDir()
  }

  /** For an interrupt: whoever still waits for one of the programs finds it ended and cannot start another. */
  clearAtOnce(): void {
    this.#isOver = true
    for (const started of this.#processes) started.kill()
    this.#removeDir()
  }

  #removeDir(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** Starts the workload's server and the relay before it; the port of the relay. */
async function setUp(bench: Bench, relay: Relay, workload: Workload): Promise<{ pid: number; port: number }> {
  const remotePort = await freePort()
  const serverDir = join(bench.dir, 'server')
  const server = bench.start('server', workload.server({ port: remotePort, dir: serverDir }), LOAD_CORE)
  await untilListening(server, remotePort)
  const listenPort = await freePort()
  const site = { listenPort, remoteHost: '127.0.0.1', remotePort, dir: join(bench.dir, 'relay') }
  const core = relay.isOnBothCores === true ? `${RELAY_CORE},${LOAD_CORE}` : RELAY_CORE
  const started = bench.start('relay', relay.launch(site), core)
  await untilListening(started, listenPort)
  return { pid: started.pid, port: listenPort }
}

interface OthersReading {
  readonly busySeconds: number
  readonly own: CpuReading
}

/** Both cores, and what this program and all that it started (relay, server, generator) used of them. */
function readOthers(): OthersReading {
  const busySeconds = readCoreBusySeconds(RELAY_CORE) + readCoreBusySeconds(LOAD_CORE)
  return { busySeconds, own: readCpu(process.pid) }
}

function foreignSecondsBetween(before: OthersReading, after: OthersReading): number {
  const ownSeconds = cpuSecondsBetween(before.own, after.own)
  return Math.max(0, after.busySeconds - before.busySeconds - ownSeconds)
}

/** Measures once, with a relay and a server of its own, so that rounds are independent of each other. */
export async function measure(
  bench: Bench,
  relay: Relay,
  workload: Workload,
  effort: Effort,
): Promise<Measurement> {
  const { pid, port } = await setUp(bench, relay, workload)
  await bench.run('warm-up', workload.warmUp(port, effort.warmUpMs), effort.warmUpMs + OVERTIME_MS)

  const generator = workload.generator({ port, seconds: effort.seconds })
  const startMs = performance.now()
  const othersBefore = readOthers()
  const childrenBefore = readChildrenCpu(pid)
  const before = readCpu(pid)
  const finished = await bench.run('generator', generator, effort.seconds * 1e3 + OVERTIME_MS)
  const after = readCpu(pid)
  const childrenAfter = readChildrenCpu(pid)
  const foreignSeconds = foreignSecondsBetween(othersBefore, readOthers())
  const windowSeconds = (performance.now() - startMs) / 1e3
  return {
    relay: relay.name,
    workload: workload.name,
    work: workload.readWork(finished.output || finished.complaint),
    cpuSeconds: cpuSecondsBetween(before, after),
    childCpuSeconds: [...childrenAfter].map(([child, ns]) => (ns - (childrenBefore.get(child) ?? 0)) / 1e9),
    windowSeconds,
    foreignShare: foreignSeconds / windowSeconds,
  }
}
