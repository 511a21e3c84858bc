import { installHint } from '../system/launch.js'
import { findCommand, versionOf } from '../system/machine.js'
import { TLS_GROUP } from '../system/tls.js'
import type { Presence, Relay, RelaySite } from './relay.js'

function detect(): Presence {
  const command = findCommand('stunnel')
  if (command === undefined) return { isPresent: false, remedy: installHint(['stunnel4']) }
  return { isPresent: true, version: versionOf(command, ['-version']) }
}

/**
 * A thread for each connection, which cannot be changed. Its manual has no advice on speed; its old
 * sample called the two socket options 'performance tunings'.
 */
function configuration(site: RelaySite): string {
  return `foreground = yes
pid =
syslog = no
debug = err
socket = l:TCP_NODELAY=1
socket = r:TCP_NODELAY=1
[relay]
accept = 127.0.0.1:${site.listenPort}
connect = ${site.remoteHost}:${site.remotePort}
cert = ${site.certificate?.certificateFile ?? ''}
key = ${site.certificate?.keyFile ?? ''}
sslVersion = TLSv1.3
curves = ${TLS_GROUP}
`
}

export const stunnel: Relay = {
  name: 'stunnel',
  setting: 'a thread a connection, TCP_NODELAY',
  speaks: 'tls',
  detect,
  launch: (site) => ({
    command: findCommand('stunnel') ?? 'stunnel',
    args: ['stunnel.conf'],
    files: { 'stunnel.conf': configuration(site) },
  }),
}
