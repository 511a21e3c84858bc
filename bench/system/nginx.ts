import type { Launch } from './launch.js'
import { findCommand } from './machine.js'

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
