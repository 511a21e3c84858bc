import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Relay } from './relays/relay.js'
import type { Sample } from './sample.js'
import {
  type CertificateFiles,
  certificateIn,
  certificateLaunch,
  type KeyKind,
} from './system/certificate.js'
import { LOAD_CORE, pinned, RELAY_CORE } from './system/cores.js'
import type { Launch } from './system/launch.js'
import { readMemory } from './system/memory.js'
import { OwnProcess } from './system/own-process.js'
import { freePort, untilListening } from './system/port.js'
import { openWindow } from './window.js'
import type { Work, Workload } from './workloads/workload.js'

/** A generator that takes this much longer than its duration hangs, because its relay does. */
const OVERTIME_MS = 10_000
/** For a thousand full handshakes with the slowest relay. */
const HOLD_LIMIT_MS = 30_000
const POLL_MS = 10

export interface Effort {
  readonly seconds: number
  readonly warmUpMs: number
  /** Limit of repeated measurements in the whole run. */
  readonly repeatsMax: number
}

export type Measurement = Omit<Sample, 'round'>
type Outcome = Omit<Measurement, 'relay' | 'workload'>

/** Processes and files of one measurement, until it is cleaned up. */
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

  /** Starts a program that prints a line when it is ready, and then runs until it is ended. */
  async hold(name: string, launch: Launch): Promise<OwnProcess> {
    const started = this.start(name, launch, LOAD_CORE)
    const deadlineMs = Date.now() + HOLD_LIMIT_MS
    while (!started.output.includes('\n')) {
      if (started.hasExited) throw new Error(`${name} ended: ${started.complaint}`)
      if (Date.now() > deadlineMs) throw new Error(`${name} was not ready in time: ${started.complaint}`)
      await delay(POLL_MS)
    }
    return started
  }

  /** Ends the last one started first: a relay before the server behind it. */
  async clear(): Promise<void> {
    for (const started of this.#processes.toReversed()) await started.end()
    this.#removeDir()
  }

  /** For an interrupt: pending waits find their program ended and cannot start another. */
  clearAtOnce(): void {
    this.#isOver = true
    for (const started of this.#processes) started.kill()
    this.#removeDir()
  }

  #removeDir(): void {
    rmSync(this.dir, { recursive: true, force: true })
  }
}

/** What is measured, and the generator's target. */
interface Target {
  /** The relay's port. */
  readonly pid: number
  readonly port: number
}

async function makeCertificate(bench: Bench, kind: KeyKind): Promise<CertificateFiles> {
  const maker = await bench.run('certificate', certificateLaunch(kind), OVERTIME_MS)
  try {
    return certificateIn(join(bench.dir, 'certificate'))
  } catch {
    throw new Error(`no certificate: ${maker.complaint}`)
  }
}

/** Starts the workload's server, the relay before it, and what the workload may need before the relay. */
async function setUp(bench: Bench, relay: Relay, workload: Workload): Promise<Target> {
  const remotePort = await freePort()
  const serverDir = join(bench.dir, 'server')
  const server = bench.start('server', workload.server({ port: remotePort, dir: serverDir }), LOAD_CORE)
  await untilListening(server, remotePort)
  const certificate = workload.tls === undefined ? undefined : await makeCertificate(bench, workload.tls)
  const listenPort = await freePort()
  const dir = join(bench.dir, 'relay')
  const { connectionsMax, proxy, serverNames } = workload
  const remote = { remoteHost: '127.0.0.1', remotePort }
  const site = { listenPort, ...remote, dir, certificate, connectionsMax, proxy, serverNames }
  if (relay.companion !== undefined) await bench.hold('companion', relay.companion(site))
  const core = relay.isOnBothCores === true ? `${RELAY_CORE},${LOAD_CORE}` : RELAY_CORE
  const started = bench.start('relay', relay.launch(site), core)
  await untilListening(started, listenPort)
  if (workload.front === undefined) return { pid: started.pid, port: listenPort }
  const frontPort = await freePort()
  const front = bench.start('front', workload.front({ port: frontPort, relayPort: listenPort }), LOAD_CORE)
  await untilListening(front, frontPort)
  return { pid: started.pid, port: frontPort }
}

function p99Seconds({ latency }: Work): number {
  if (latency === undefined) throw new Error('the generator reported no latency')
  return latency.p99Us / 1e6
}

/** CPU time from just before the generator starts to just after it ends, or the latency that it reports. */
async function measureLoad(
  bench: Bench,
  { pid, port }: Target,
  workload: Workload,
  effort: Effort,
): Promise<Outcome> {
  await bench.run('warm-up', workload.warmUp(port, effort.warmUpMs), effort.warmUpMs + OVERTIME_MS)
  const generator = workload.generator({ port, seconds: effort.seconds })
  const closeWindow = openWindow(pid)
  const finished = await bench.run('generator', generator, effort.seconds * 1e3 + OVERTIME_MS)
  const reading = closeWindow()
  const work = workload.readWork(finished.output || finished.complaint)
  const costPerUnit = workload.costs === 'latency' ? p99Seconds(work) : reading.cpuSeconds / work.units
  return { ...reading, work, costPerUnit }
}

/**
 * Growth of memory while the generator opens its connections and holds them, read after they were idle for
 * the length of a measurement. Those of the warm-up stay open, so that their memory cannot be reused.
 */
async function measureMemory(
  bench: Bench,
  { pid, port }: Target,
  workload: Workload,
  effort: Effort,
): Promise<Outcome> {
  await bench.hold('warm-up', workload.warmUp(port, effort.warmUpMs))
  await delay(effort.warmUpMs)
  const before = readMemory(pid)
  const closeWindow = openWindow(pid)
  const holder = await bench.hold('generator', workload.generator({ port, seconds: effort.seconds }))
  await delay(effort.seconds * 1e3)
  const after = readMemory(pid)
  if (holder.hasExited) throw new Error(`connections broke while they were idle: ${holder.complaint}`)
  const work = workload.readWork(holder.output)
  const costPerUnit = (after.ownBytes - before.ownBytes) / work.units
  return { ...closeWindow(), work, costPerUnit, memory: { before, after } }
}

/** Measures once, with a relay and a server of its own, so that rounds are independent of each other. */
export async function measure(
  bench: Bench,
  relay: Relay,
  workload: Workload,
  effort: Effort,
): Promise<Measurement> {
  const target = await setUp(bench, relay, workload)
  const measureIts = workload.costs === 'memory' ? measureMemory : measureLoad
  const outcome = await measureIts(bench, target, workload, effort)
  return { relay: relay.name, workload: workload.name, ...outcome }
}
