import { existsSync } from 'node:fs'
import type { Launch } from './launch.js'
import { findCommand } from './machine.js'

/** The path of Debian's libnginx-mod-stream; nginx.org's own packages have it built in. */
export const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

/** Started as root, nginx would switch to a user without access to the folder; other users cannot switch. */
function userLine(): string {
  return process.getuid?.() === 0 ? 'user root;\n' : ''
}

/**
 * One nginx worker that keeps all its files in its own folder. `head` goes first (load_module), `body`
 * is an http or stream block.
 */
export function nginxLaunch(dir: string, head: string, body: string): Launch {
  const text = `${head}${userLine()}worker_processes 1;
daemon off;
pid nginx.pid;
error_log error.log;
events { worker_connections 8192; multi_accept on; }
${body}`
  return {
    command: findCommand('nginx') ?? 'nginx',
    args: ['-q', '-p', dir, '-c', 'nginx.conf'],
    files: { 'nginx.conf': text },
  }
}

/** `stream`: a stream block. */
export function nginxStreamLaunch(dir: string, stream: string): Launch {
  return nginxLaunch(dir, existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};\n` : '', stream)
}
