import { existsSync } from 'node:fs'
import { installHint } from '../system/launch.js'
import { findCommand, outputOf, versionOf } from '../system/machine.js'
import { nginxLaunch } from '../system/nginx.js'
import { TLS_GROUP } from '../system/tls.js'
import type { Presence, Relay, RelaySite } from './relay.js'

/** The path of Debian's libnginx-mod-stream; nginx.org's own packages have it built in. */
const MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

function hasStreamBuiltIn(command: string): boolean {
  return /--with-stream( |$)/m.test(outputOf(command, ['-V']))
}

function detect(): Presence {
  const command = findCommand('nginx')
  if (command === undefined || !(existsSync(MODULE) || hasStreamBuiltIn(command))) {
    return { isPresent: false, remedy: installHint(['nginx', 'libnginx-mod-stream']) }
  }
  return { isPresent: true, version: versionOf(command, ['-v']) }
}

/** The default buffer of 16k costs bulk a third more; 64k costs nothing measurable elsewhere. */
function tlsLines({ certificate }: RelaySite): string {
  if (certificate === undefined) return ''
  return `
    ssl_protocols TLSv1.3;
    ssl_ecdh_curve ${TLS_GROUP};
    ssl_certificate ${certificate.certificateFile};
    ssl_certificate_key ${certificate.keyFile};`
}

function streamBlock(site: RelaySite): string {
  return `stream {
  server {
    listen 127.0.0.1:${site.listenPort}${site.certificate === undefined ? '' : ' ssl'} backlog=4096;${tlsLines(site)}
    proxy_buffer_size 64k;
    proxy_pass ${site.remoteHost}:${site.remotePort};
  }
}
`
}

export const nginxStream: Relay = {
  name: 'nginx',
  setting: 'stream, one worker, multi_accept, proxy_buffer_size 64k',
  detect,
  launch: (site) =>
    nginxLaunch(site.dir, existsSync(MODULE) ? `load_module ${MODULE};\n` : '', streamBlock(site)),
}
