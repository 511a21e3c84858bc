import { fileURLToPath } from 'node:url'
import { type KeyKind, OPENSSL } from '../system/certificate.js'
import type { Launch, Tool } from '../system/launch.js'
import { httpServer } from './http.js'
import { HELD_CONNECTION } from './idle.js'
import { readTlsOutput } from './tls-output.js'
import type { Workload, WorkUnit } from './workload.js'

const GENERATOR = fileURLToPath(new URL('./tls-generator.js', import.meta.url))
const NEEDS: readonly Tool[] = [OPENSSL, { command: 'nginx', debianPackage: 'nginx' }]

const HANDSHAKE: WorkUnit = {
  name: 'connection',
  costLabel: 'CPU µs/connection',
  costScale: 1e6,
  rateLabel: 'connections/s',
  rateScale: 1,
}

function generator(...args: readonly (string | number)[]): Launch {
  return { command: process.execPath, args: [GENERATOR, ...args.map(String)] }
}

interface HandshakeKind {
  readonly name: string
  readonly handshake: 'full' | 'resumed'
  readonly tls: KeyKind
  readonly connections: number
}

/** Connect, handshake, request, reply, close: only a ticket of one connection can be used for the next. */
function handshakes({ name, handshake, tls, connections }: HandshakeKind): Workload {
  return {
    name,
    title: `whole TLS connections with a ${handshake} handshake (${tls}), ${connections} at a time`,
    unit: HANDSHAKE,
    needs: NEEDS,
    tls,
    server: httpServer,
    warmUp: (port, warmUpMs) => generator(handshake, port, connections, warmUpMs / 1e3),
    generator: ({ port, seconds }) => generator(handshake, port, connections, seconds),
    readWork: (output) => readTlsOutput(output, handshake),
  }
}

export function tlsHandshakes(connections: number): readonly Workload[] {
  return [
    handshakes({ name: 'tls-handshakes', handshake: 'full', tls: 'P-256', connections }),
    handshakes({ name: 'tls-handshakes-rsa', handshake: 'full', tls: 'RSA-2048', connections }),
    handshakes({ name: 'tls-resumed', handshake: 'resumed', tls: 'P-256', connections }),
  ]
}

/** Enough to spread one-time costs thin; twice this and the warm-up's fit below its limits. */
const IDLE_CONNECTIONS = 1_000
const IDLE_WARM_UP_CONNECTIONS = 100

export const tlsIdle: Workload = {
  name: 'tls-idle',
  title: `memory of each of ${IDLE_CONNECTIONS.toLocaleString('en-US')} idle TLS connections`,
  unit: HELD_CONNECTION,
  needs: NEEDS,
  tls: 'P-256',
  costs: 'memory',
  server: httpServer,
  warmUp: (port) => generator('hold', port, IDLE_WARM_UP_CONNECTIONS),
  generator: ({ port }) => generator('hold', port, IDLE_CONNECTIONS),
  readWork: (output) => readTlsOutput(output, 'full'),
}
