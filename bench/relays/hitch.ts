import { installHint } from '../system/launch.js'
import { findCommand, versionOf } from '../system/machine.js'
import { TLS_GROUP } from '../system/tls.js'
import type { Presence, Relay, RelaySite } from './relay.js'

function detect(): Presence {
  const command = findCommand('hitch')
  if (command === undefined) return { isPresent: false, remedy: installHint(['hitch']) }
  return { isPresent: true, version: versionOf(command, ['--version']) }
}

/** Started as root, hitch requires a user to switch to; other users cannot switch. */
function userLines(): string {
  return process.getuid?.() === 0 ? 'user = "root"\ngroup = "root"\n' : ''
}

/** Without OCSP it starts no third process beside master and worker. */
function configuration(site: RelaySite): string {
  return `frontend = "[127.0.0.1]:${site.listenPort}"
backend = "[${site.remoteHost}]:${site.remotePort}"
pem-file = "${site.certificate?.bothFile ?? ''}"
tls-protos = TLSv1.3
ecdh-curve = "${TLS_GROUP}"
workers = 1
backlog = 4096
log-level = 0
ocsp-dir = ""
${userLines()}`
}

export const hitch: Relay = {
  name: 'hitch',
  setting: 'one worker, no OCSP',
  speaks: 'tls',
  detect,
  launch: (site) => ({
    command: findCommand('hitch') ?? 'hitch',
    args: ['--config=hitch.conf'],
    files: { 'hitch.conf': configuration(site) },
  }),
}
