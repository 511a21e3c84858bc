import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Bench } from '../measure.js'
import type { LoadReport } from '../open-loop/run-load.js'
import { tcprelay } from '../relays/tcprelay.js'
import { LOAD_CORE, RELAY_CORE } from '../system/cores.js'
import type { Launch } from '../system/launch.js'
import type { OwnProcess } from '../system/own-process.js'
import { freePort, untilListening } from '../system/port.js'
import { openWindow, type WindowReading } from '../window.js'
import { MARK_CONTROL_THREAD } from './gc-trace.js'
import type { SenderReport } from './sender.js'

/** The load on the relay. */
export const CONNECTIONS_PER_S = 1_000
export const BYTES_PER_S = 200e6
/** Between start and load, so that the age of a thread assigns each collection to one of them. */
export const SETTLE_MS = 3_000
const OVERTIME_MS = 20_000

function program(path: string, ...args: readonly (string | number)[]): Launch {
  return {
    command: process.execPath,
    args: [fileURLToPath(new URL(path, import.meta.url)), ...args.map(String)],
  }
}

export interface Reading {
  readonly trace: string
  /** Age of the process when the load began. */
  readonly loadAtMs: number
  readonly window: WindowReading
  readonly bulk: SenderReport
  readonly connections: LoadReport
}

function parsed<T>(finished: OwnProcess): T {
  if (!finished.output.startsWith('{')) throw new Error(`${finished.command} ended: ${finished.complaint}`)
  return JSON.parse(finished.output) as T
}

/** The relay under both loads, with the trace of its collections. */
export async function runUnderLoad(bench: Bench, seconds: number): Promise<Reading> {
  const remotePort = await freePort()
  const server = bench.start('server', program('server.js', remotePort), LOAD_CORE)
  await untilListening(server, remotePort)
  const port = await freePort()
  const site = { listenPort: port, remoteHost: '127.0.0.1', remotePort, dir: '', certificate: undefined }
  const launch = tcprelay.launch(site)
  const startMs = performance.now()
  const traced = { ...launch, args: [...MARK_CONTROL_THREAD, ...launch.args] }
  const relay = bench.start('relay', traced, RELAY_CORE)
  await untilListening(relay, port)
  await delay(SETTLE_MS)
  const loadAtMs = performance.now() - startMs
  const closeWindow = openWindow(relay.pid)
  const limitMs = seconds * 1e3 + OVERTIME_MS
  const opening = ['--port', port, '--seconds', seconds, '--whole-connections', CONNECTIONS_PER_S]
  const [bulk, connections] = await Promise.all([
    bench.run('bulk', program('sender.js', port, BYTES_PER_S, seconds), limitMs),
    bench.run('connections', program('../open-loop/main.js', ...opening), limitMs),
  ])
  const window = closeWindow()
  // V8's lines stay in a buffer of the C library until the relay ends.
  await relay.end()
  return { trace: relay.output, loadAtMs, window, bulk: parsed(bulk), connections: parsed(connections) }
}
