/** The relays that are compared, with the same limit: one new connection a second from each address, others are closed. */
import { fileURLToPath } from 'node:url'
import type { Launch } from '../system/launch.js'
import { findCommand } from '../system/machine.js'

export interface FloodRelay {
  readonly name: string
  launch(listenPort: number, remotePort: number): Launch
}

/** Addresses that are remembered: more than there are. */
const TABLE_SIZE = 102_400

/** `program`: another build of this program. */
export function tcprelayAt(program: string | undefined): FloodRelay {
  const path = program ?? fileURLToPath(new URL('../../../bin/tcprelay.js', import.meta.url))
  return {
    name: 'tcprelay',
    launch: (listenPort, remotePort) => ({
      command: process.execPath,
      args: [path, '-D', 'relay.cfg'],
      files: {
        'relay.cfg': `id = spawnd {
  single process = yes
  listen = { address = 127.0.0.1 port = ${listenPort} backlog = 4096 }
}
id = tcprelay {
  limit = { per = source/32 rate = 1/s burst = 1 action = close size = ${TABLE_SIZE} }
  remote = { address = 127.0.0.1 port = ${remotePort} }
}
`,
      },
    }),
  }
}

export const haproxy: FloodRelay = {
  name: 'haproxy',
  launch: (listenPort, remotePort) => ({
    command: findCommand('haproxy') ?? 'haproxy',
    args: ['-db', '-q', '-f', 'haproxy.cfg'],
    files: {
      'haproxy.cfg': `global
  nbthread 1
  maxconn 8000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen relay
  bind 127.0.0.1:${listenPort} backlog 4096
  stick-table type ip size ${TABLE_SIZE} expire 30s store conn_rate(1s)
  tcp-request connection track-sc0 src
  tcp-request connection reject if { sc0_conn_rate gt 1 }
  server s 127.0.0.1:${remotePort}
`,
    },
  }),
}
