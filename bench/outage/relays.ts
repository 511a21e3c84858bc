/** The relays that are compared, with the same settings of checks, retries and slow start. */
import { fileURLToPath } from 'node:url'
import type { Launch } from '../system/launch.js'
import { findCommand } from '../system/machine.js'

/** How each of them checks. */
export const CHECK_EVERY_S = 1
export const FALL = 3
export const RISE = 2
export const SLOW_START_S = 10

export interface OutageRelay {
  readonly name: string
  /** Of its log, when it has found a remote down, and up again. */
  readonly down: RegExp
  readonly up: RegExp
  launch(listenPort: number, remotePorts: readonly number[]): Launch
}

const tcprelay: OutageRelay = {
  name: 'tcprelay',
  down: /remote \S+ is down/,
  up: /remote \S+ is up again/,
  launch: (listenPort, remotePorts) => ({
    command: process.execPath,
    args: [fileURLToPath(new URL('../../../bin/tcprelay.js', import.meta.url)), '-D', 'relay.cfg'],
    files: {
      'relay.cfg': `id = spawnd {
  single process = yes
  listen = { address = 127.0.0.1 port = ${listenPort} }
}
id = tcprelay {
  balance = round-robin
  slow start = ${SLOW_START_S}s
  health = { interval = ${CHECK_EVERY_S}s timeout = ${CHECK_EVERY_S}s rise = ${RISE} fall = ${FALL} }
${remotePorts.map((port) => `  remote = { address = 127.0.0.1 port = ${port} }\n`).join('')}}
`,
    },
  }),
}

const haproxy: OutageRelay = {
  name: 'haproxy',
  down: /is DOWN/,
  up: /is UP/,
  launch: (listenPort, remotePorts) => ({
    command: findCommand('haproxy') ?? 'haproxy',
    args: ['-db', '-f', 'haproxy.cfg'],
    files: {
      'haproxy.cfg': `global
  nbthread 1
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  retries 3
  option redispatch 1
listen relay
  bind 127.0.0.1:${listenPort} backlog 4096
  balance roundrobin
  default-server check inter ${CHECK_EVERY_S}s rise ${RISE} fall ${FALL} slowstart ${SLOW_START_S}s
${remotePorts.map((port, i) => `  server s${i} 127.0.0.1:${port}\n`).join('')}`,
    },
  }),
}

export const OUTAGE_RELAYS: readonly OutageRelay[] = [tcprelay, haproxy]
