import { installHint } from '../system/launch.js'
import { findCommand, versionOf } from '../system/machine.js'
import { TLS_GROUP } from '../system/tls.js'
import type { Presence, Relay, RelaySite } from './relay.js'

/**
 * Both save a packet when the client speaks first, as here; the manual leaves them off in `mode tcp`
 * because they make network traces harder to read. They take a fifth off the cost of a connection.
 */
const SAVE_PACKETS = ['option tcp-smart-accept', 'option tcp-smart-connect']

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

function configuration(site: RelaySite, global: readonly string[], options: readonly string[]): string {
  const lines = [
    'global',
    '  nbthread 1',
    // Twice this and a reserve must fit below `ulimit -n`, or HAProxy refuses to start.
    '  maxconn 2000',
    ...global.map((line) => `  ${line}`),
    'defaults',
    '  mode tcp',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    'listen relay',
    `  bind 127.0.0.1:${site.listenPort} backlog 4096${tlsWords(site)}`,
    ...[...SAVE_PACKETS, ...options].map((line) => `  ${line}`),
    `  server remote ${site.remoteHost}:${site.remotePort}`,
  ]
  return `${lines.join('\n')}\n`
}

function haproxyWith(
  global: readonly string[],
  options: readonly string[],
): Pick<Relay, 'detect' | 'launch'> {
  return {
    detect,
    launch: (site) => ({
      command: findCommand('haproxy') ?? 'haproxy',
      args: ['-db', '-q', '-f', 'haproxy.cfg'],
      files: { 'haproxy.cfg': configuration(site, global, options) },
    }),
  }
}

export const haproxy: Relay = {
  name: 'haproxy',
  setting: 'mode tcp, one thread, tcp-smart-accept, tcp-smart-connect, splice-auto',
  ...haproxyWith([], ['option splice-auto']),
}

/** splice-auto hardly ever splices; this always does, which is right for bulk and wrong for small talk. */
export const haproxySplice: Relay = {
  name: 'haproxy-splice',
  setting: 'as haproxy, but splice-request, splice-response and pipes of 1 MiB',
  speaks: 'plain',
  workloads: ['bulk-down', 'bulk-up', 'bulk-both'],
  ...haproxyWith(['tune.pipesize 1048576'], ['option splice-request', 'option splice-response']),
}
