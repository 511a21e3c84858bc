import { fileURLToPath } from 'node:url'
import type { Launch } from '../system/launch.js'
import { readHeldOutput } from './held-output.js'
import { httpServer } from './http.js'
import type { Workload, WorkUnit } from './workload.js'

const GENERATOR = fileURLToPath(new URL('./hold-generator.js', import.meta.url))

export const HELD_CONNECTION: WorkUnit = {
  name: 'idle connection',
  costLabel: 'bytes/connection',
  costScale: 1,
  rateLabel: 'opened/s',
  rateScale: 1,
}

/**
 * Memory is read with this many open, and again with all: one-time costs, or large steps at
 * the start, are not part of the cost of a connection.
 */
const FIRST_CONNECTIONS = 1_000
const ALL_CONNECTIONS = 4_000

function generator(port: number, connections: number): Launch {
  return { command: process.execPath, args: [GENERATOR, String(port), String(connections)] }
}

export const idle: Workload = {
  name: 'idle',
  title: 'memory of an idle connection, the slope from 1,000 to 4,000 that are open',
  unit: HELD_CONNECTION,
  needs: [{ command: 'nginx', debianPackage: 'nginx' }],
  costs: 'memory',
  connectionsMax: ALL_CONNECTIONS,
  server: httpServer,
  warmUp: (port) => generator(port, FIRST_CONNECTIONS),
  generator: ({ port }) => generator(port, ALL_CONNECTIONS - FIRST_CONNECTIONS),
  readWork: readHeldOutput,
}
