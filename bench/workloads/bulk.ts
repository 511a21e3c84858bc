import { fileURLToPath } from 'node:url'
import { OPENSSL } from '../system/certificate.js'
import type { Launch } from '../system/launch.js'
import { findCommand } from '../system/machine.js'
import { withPinnedTls } from '../system/tls.js'
import { readBothWaysOutput } from './both-ways-output.js'
import { readIperf3Output } from './iperf3-output.js'
import type { FrontSite, Workload, WorkUnit } from './workload.js'

const BYTE: WorkUnit = {
  name: 'byte',
  costLabel: 'CPU s/GB',
  costScale: 1e9,
  rateLabel: 'GB/s',
  rateScale: 1e-9,
}

/** About the bytes that a relay moves in a millisecond; given in bytes, because iperf3 counts whole seconds. */
const WARM_UP_KB_PER_MS = 640

function client(port: number, args: readonly string[]): Launch {
  return { command: 'iperf3', args: ['-c', '127.0.0.1', '-p', String(port), '-J', ...args] }
}

/** One data connection per requested direction, beside iperf3's control connection, all through the relay. */
function bulkWorkload(name: string, title: string, direction: readonly string[]): Workload {
  return {
    name,
    title,
    unit: BYTE,
    needs: [{ command: 'iperf3', debianPackage: 'iperf3' }],
    server: ({ port }) => ({ command: 'iperf3', args: ['-s', '-B', '127.0.0.1', '-p', String(port)] }),
    warmUp: (port, warmUpMs) => client(port, ['-n', `${warmUpMs * WARM_UP_KB_PER_MS}K`, ...direction]),
    generator: ({ port, seconds }) => client(port, ['-t', String(seconds), ...direction]),
    readWork: readIperf3Output,
  }
}

const BOTH_WAYS = fileURLToPath(new URL('./both-ways.js', import.meta.url))

function bothWaysProgram(...args: readonly (string | number)[]): Launch {
  return { command: process.execPath, args: [BOTH_WAYS, ...args.map(String)] }
}

/** HAProxy as TLS client; iperf3 has no TLS. Its CPU time is not counted, and it slows all relays alike. */
function tlsClient({ port, relayPort }: FrontSite): Launch {
  const text = `global
  nbthread 1
  maxconn 100
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
listen front
  bind 127.0.0.1:${port}
  server relay 127.0.0.1:${relayPort} ssl verify none ssl-min-ver TLSv1.3
`
  return withPinnedTls({
    command: findCommand('haproxy') ?? 'haproxy',
    args: ['-db', '-q', '-f', 'front.cfg'],
    files: { 'front.cfg': text },
  })
}

function overTls(plain: Workload): Workload {
  return {
    ...plain,
    name: `tls-${plain.name}`,
    title: `${plain.title}, over TLS`,
    needs: [...plain.needs, OPENSSL, { command: 'haproxy', debianPackage: 'haproxy' }],
    tls: 'P-256',
    front: tlsClient,
  }
}

export const bulkDown = bulkWorkload('bulk-down', 'one stream from the remote to the client', ['-R'])
export const bulkUp = bulkWorkload('bulk-up', 'one stream from the client to the remote', [])
export const bulkBoth = bulkWorkload('bulk-both', 'a stream each way at once', ['--bidir'])

/** As `bulkBoth`, with clients that do not depend on which connection arrives first. */
const bothWays: Workload = {
  ...bulkBoth,
  needs: [],
  server: ({ port }) => bothWaysProgram('serve', port),
  warmUp: (port, warmUpMs) => bothWaysProgram('drive', port, warmUpMs / 1e3),
  generator: ({ port, seconds }) => bothWaysProgram('drive', port, seconds),
  readWork: readBothWaysOutput,
}

export const tlsBulk: readonly Workload[] = [bulkDown, bulkUp, bothWays].map(overTls)
