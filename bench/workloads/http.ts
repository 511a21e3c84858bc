import { type KeyKind, OPENSSL } from '../system/certificate.js'
import type { Launch, Tool } from '../system/launch.js'
import { nginxLaunch } from '../system/nginx.js'
import { withPinnedTls } from '../system/tls.js'
import type { GeneratorSite, ServerSite, Workload, WorkUnit } from './workload.js'
import { readWrkOutput } from './wrk-output.js'

const REQUEST: WorkUnit = {
  name: 'request',
  costLabel: 'CPU µs/request',
  costScale: 1e6,
  rateLabel: 'requests/s',
  rateScale: 1,
}

export const CONNECTION: WorkUnit = {
  name: 'connection',
  costLabel: 'CPU µs/connection',
  costScale: 1e6,
  rateLabel: 'connections/s',
  rateScale: 1,
}

export const NEEDS: readonly Tool[] = [
  { command: 'wrk', debianPackage: 'wrk' },
  { command: 'nginx', debianPackage: 'nginx' },
  { command: 'timeout', debianPackage: 'coreutils' },
]

/** A reply of some 160 bytes with its header, from memory; a kept connection is never closed. */
export function httpServer({ port, dir }: ServerSite, listenWords = ''): Launch {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const body = `http {
  ${temporary.map((name) => `${name}_temp_path ${name};`).join('\n  ')}
  access_log off;
  default_type text/plain;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  server {
    listen 127.0.0.1:${port} backlog=4096${listenWords};
    location / { return 200 "ok\\n"; }
  }
}
`
  return nginxLaunch(dir, '', body)
}

interface Load {
  readonly connections: number
  readonly headers: readonly string[]
  readonly tls?: KeyKind
}

function wrk({ port, seconds }: GeneratorSite, { connections, headers, tls }: Load): Launch {
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency']
  const headerArgs = headers.flatMap((header) => ['-H', header])
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/`
  const launch = { command: 'wrk', args: [...load, ...headerArgs, url] }
  return tls === undefined ? launch : withPinnedTls(launch)
}

/** wrk counts whole seconds only; on SIGINT it stops in good order. */
export function cutShort(launch: Launch, limitMs: number): Launch {
  return {
    ...launch,
    command: 'timeout',
    args: ['-s', 'INT', String(limitMs / 1e3), launch.command, ...launch.args],
  }
}

function httpWorkload(labels: Pick<Workload, 'name' | 'title' | 'unit'>, load: Load): Workload {
  const generator = (site: GeneratorSite): Launch => wrk(site, load)
  return {
    ...labels,
    needs: load.tls === undefined ? NEEDS : [...NEEDS, OPENSSL],
    ...(load.tls === undefined ? {} : { tls: load.tls }),
    server: httpServer,
    warmUp: (port, warmUpMs) => cutShort(generator({ port, seconds: 60 }), warmUpMs),
    generator,
    readWork: readWrkOutput,
  }
}

/** Request and reply on connections that stay open: the cost of relaying a few bytes both ways. */
export function requests(connections: number): Workload {
  const title = `small requests on ${connections} kept connections`
  return httpWorkload({ name: 'requests', title, unit: REQUEST }, { connections, headers: [] })
}

/** As `requests`, over TLS: the cost of two more records each, without handshakes. */
export function tlsRequests(connections: number): Workload {
  const title = `small requests over TLS on ${connections} kept connections`
  return httpWorkload(
    { name: 'tls-requests', title, unit: REQUEST },
    { connections, headers: [], tls: 'P-256' },
  )
}

/** As `requests`, but one at a time: no wake-up is shared, so each costs most and waits least. */
export function requestsOneByOne(): Workload {
  const title = 'small requests on one kept connection'
  return httpWorkload({ name: 'requests-1', title, unit: REQUEST }, { connections: 1, headers: [] })
}

/** Connect, request, reply, close: the cost of a whole connection. */
export function wholeConnections(connections: number): Workload {
  const title = `whole connections, ${connections} at a time`
  const headers = ['Connection: close']
  return httpWorkload({ name: 'connections', title, unit: CONNECTION }, { connections, headers })
}
