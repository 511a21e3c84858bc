import { fileURLToPath } from 'node:url'
import type { Launch, Tool } from '../system/launch.js'
import { httpServer } from './http.js'
import { readLatencyOutput } from './latency-output.js'
import type { Workload, WorkUnit } from './workload.js'

const GENERATOR = fileURLToPath(new URL('../open-loop/main.js', import.meta.url))
const NEEDS: readonly Tool[] = [{ command: 'nginx', debianPackage: 'nginx' }]

/** About a tenth of the capacity of a relay on one core, so that no queue builds up. */
const REQUESTS_PER_S = 5_000
const CONNECTIONS_PER_S = 1_000

/** V8 has compiled the generator and every connection has had its first request; not in the percentiles. */
const LEAD_IN_S = 0.5

function unit(name: string): WorkUnit {
  return { name, costLabel: 'p99 µs', costScale: 1e6, rateLabel: `${name}s/s`, rateScale: 1 }
}

type Labels = Pick<Workload, 'name' | 'title' | 'unit'>

function openLoopWorkload(labels: Labels, kind: 'requests' | 'wholeConnections', load: string[]): Workload {
  const generator = (port: number, seconds: number, leadInSeconds: number): Launch => {
    const times = ['--port', port, '--seconds', seconds, '--lead-in', leadInSeconds].map(String)
    return { command: process.execPath, args: [GENERATOR, ...times, ...load] }
  }
  return {
    ...labels,
    needs: NEEDS,
    costs: 'latency',
    server: httpServer,
    warmUp: (port, warmUpMs) => generator(port, warmUpMs / 1e3, 0),
    generator: ({ port, seconds }) => generator(port, seconds, LEAD_IN_S),
    readWork: (output) => readLatencyOutput(output, kind),
  }
}

/** Requests at a fixed rate, each measured from its due time, however long the one before takes. */
export function latency(connections: number): Workload {
  const rate = REQUESTS_PER_S.toLocaleString('en-US')
  const title = `p99 of ${rate} requests/s at a fixed rate on ${connections} kept connections`
  const load = ['--connections', String(connections), '--requests', String(REQUESTS_PER_S)]
  return openLoopWorkload({ name: 'latency', title, unit: unit('request') }, 'requests', load)
}

/** New connections at a fixed rate, each measured from its due time to the end of its reply. */
export function latencyOfConnections(): Workload {
  const rate = CONNECTIONS_PER_S.toLocaleString('en-US')
  const title = `p99 of ${rate} new connections/s at a fixed rate: connect, request, reply`
  const load = ['--whole-connections', String(CONNECTIONS_PER_S)]
  const labels = { name: 'latency-connections', title, unit: unit('connection') }
  return openLoopWorkload(labels, 'wholeConnections', load)
}
