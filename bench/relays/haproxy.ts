import { fileURLToPath } from 'node:url'
import { installHint } from '../system/launch.js'
import { findCommand, versionOf } from '../system/machine.js'
import { TLS_GROUP } from '../system/tls.js'
import type { ProxyWork } from '../workloads/workload.js'
import { PRODUCTION_WORKLOADS, type Presence, type Relay, type RelaySite } from './relay.js'

/**
 * Both save a packet when the client speaks first, as here; the manual leaves them off in `mode tcp`
 * because they make network traces harder to read. They reduce the cost of a connection by a fifth.
 */
const SAVE_PACKETS = ['option tcp-smart-accept', 'option tcp-smart-connect']

/** Twice this and a reserve must fit into `ulimit -n`, or HAProxy refuses to start. */
const CONNECTIONS_MAX = 2_000

function detect(): Presence {
  const command = findCommand('haproxy')
  if (command === undefined) return { isPresent: false, remedy: installHint(['haproxy']) }
  return { isPresent: true, version: versionOf(command, ['-v']) }
}

/** The session cache is on by default (20,000 sessions), tickets too. */
function tlsWords({ certificate }: RelaySite): string {
  if (certificate === undefined) return ''
  return ` ssl crt ${certificate.bothFile} ssl-min-ver TLSv1.3 curves ${TLS_GROUP}`
}

/** Lines added to the sections; they differ between the variants of HAProxy. */
interface Extras {
  readonly global?: readonly string[]
  readonly listen: readonly string[]
}

const NAMES_FILE = 'names.map'

/** By name as its manual advises: the ClientHello is awaited, and a map finds the backend of its server name. */
function byName(site: RelaySite, names: readonly string[], remote: string): readonly string[] {
  return [
    'frontend relay',
    bindLine(site),
    '  option tcp-smart-accept',
    '  tcp-request inspect-delay 5s',
    '  tcp-request content accept if { req.ssl_hello_type 1 }',
    `  use_backend %[req.ssl_sni,lower,map(${NAMES_FILE})]`,
    ...names.flatMap((_, i) => [`backend remote${i}`, remote]),
  ]
}

function bindLine(site: RelaySite): string {
  const proxyWord = site.proxy === 'accept' ? ' accept-proxy' : ''
  return `  bind 127.0.0.1:${site.listenPort} backlog 4096${proxyWord}${tlsWords(site)}`
}

const SEND_PROXY: Readonly<Record<ProxyWork, string>> = {
  accept: '',
  'send v1': ' send-proxy',
  'send v2': ' send-proxy-v2',
}

function configuration(site: RelaySite, { global = [], listen }: Extras): string {
  const { proxy, serverNames } = site
  const sendProxy = proxy === undefined ? '' : SEND_PROXY[proxy]
  const remote = `  server remote ${site.remoteHost}:${site.remotePort}${sendProxy}`
  const extras = [...SAVE_PACKETS, ...listen].map((line) => `  ${line}`)
  const lines = [
    'global',
    '  nbthread 1',
    `  maxconn ${Math.max(CONNECTIONS_MAX, (site.connectionsMax ?? 0) + 100)}`,
    ...global.map((line) => `  ${line}`),
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    ...(serverNames === undefined
      ? ['listen relay', bindLine(site), ...extras, remote]
      : [...extras, ...byName(site, serverNames, remote)]),
  ]
  return `${lines.join('\n')}\n`
}

function nameFiles({ serverNames }: RelaySite): Readonly<Record<string, string>> {
  if (serverNames === undefined) return {}
  return { [NAMES_FILE]: serverNames.map((name, i) => `${name} remote${i}\n`).join('') }
}

function haproxyWith(extras: (site: RelaySite) => Extras): Pick<Relay, 'detect' | 'launch'> {
  return {
    detect,
    launch: (site) => ({
      command: findCommand('haproxy') ?? 'haproxy',
      args: ['-db', '-q', '-f', 'haproxy.cfg'],
      files: { 'haproxy.cfg': configuration(site, extras(site)), ...nameFiles(site) },
    }),
  }
}

export const haproxy: Relay = {
  name: 'haproxy',
  setting: 'mode tcp, one thread, tcp-smart-accept, tcp-smart-connect, splice-auto',
  choosesByName: true,
  proxies: ['accept', 'send v1', 'send v2'],
  ...haproxyWith(() => ({ listen: ['option splice-auto'] })),
}

/** splice-auto hardly ever splices; this always does, which is right for bulk and wrong for small messages. */
export const haproxySplice: Relay = {
  name: 'haproxy-splice',
  setting: 'as haproxy, but splice-request, splice-response and pipes of 1 MiB',
  speaks: 'plain',
  workloads: ['bulk-down', 'bulk-up', 'bulk-both'],
  ...haproxyWith(() => ({
    global: ['tune.pipesize 1048576'],
    listen: ['option splice-request', 'option splice-response'],
  })),
}

const LOG_SINK = fileURLToPath(new URL('./log-sink.js', import.meta.url))

/**
 * As in its manual and distributions: a datagram to the local system log for each connection. Here a sink
 * replaces the log, on the UDP port of the same number; its CPU time is not counted.
 */
export const haproxyLog: Relay = {
  name: 'haproxy-log',
  setting: 'as haproxy, with option tcplog and its log to a local UDP socket',
  speaks: 'plain',
  workloads: PRODUCTION_WORKLOADS,
  bare: 'haproxy',
  ...haproxyWith(({ listenPort }) => ({
    global: [`log 127.0.0.1:${listenPort} local0`],
    listen: ['option splice-auto', 'log global', 'option tcplog'],
  })),
  companion: ({ listenPort }) => ({ command: process.execPath, args: [LOG_SINK, String(listenPort)] }),
}
