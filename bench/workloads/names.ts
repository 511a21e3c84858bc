import type { Launch, Tool } from '../system/launch.js'
import { nginxStreamLaunch } from '../system/nginx.js'
import { clientHello } from './client-hello.js'
import { CONNECTION, cutShort } from './http.js'
import type { GeneratorSite, ServerSite, Workload } from './workload.js'
import { readWrkOutput } from './wrk-output.js'

const NEEDS: readonly Tool[] = [
  { command: 'wrk', debianPackage: 'wrk' },
  { command: 'nginx', debianPackage: 'libnginx-mod-stream' },
  { command: 'timeout', debianPackage: 'coreutils' },
]

const NAMES = 1_000
const SCRIPT = 'names.lua'

/** All of the same length, so that the generator can replace one in a ClientHello by another. */
function serverName(index: number): string {
  return `name-${String(index).padStart(4, '0')}.bench.test`
}

/** Reads the ClientHello and nothing more, replies in HTTP for `wrk`, and closes. */
function helloServer({ port, dir }: ServerSite): Launch {
  const reply = 'HTTP/1.1 200 OK\\r\\nContent-Length: 3\\r\\nConnection: close\\r\\n\\r\\nok\\n'
  const stream = `stream {
  server {
    listen 127.0.0.1:${port} backlog=4096;
    ssl_preread on;
    return "${reply}";
  }
}
`
  return nginxStreamLaunch(dir, stream)
}

export function luaString(bytes: Uint8Array): string {
  return `"${Array.from(bytes, (byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`
}

/** `wrk` checks the first request and does not send it; then it sends any bytes: here the next name's ClientHello. */
function script(): string {
  const name = serverName(0)
  const hello = clientHello(name)
  const at = hello.indexOf(name)
  return `local before = ${luaString(hello.subarray(0, at))}
local after = ${luaString(hello.subarray(at + name.length))}
local count = -1
function request()
  count = count + 1
  if count == 0 then return "GET / HTTP/1.1\\r\\n\\r\\n" end
  return before .. string.format("name-%04d.bench.test", count % ${NAMES}) .. after
end
`
}

function generator({ port, seconds }: GeneratorSite, connections: number): Launch {
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', SCRIPT]
  const args = [...load, `http://127.0.0.1:${port}/`]
  return { command: 'wrk', args, files: { [SCRIPT]: script() } }
}

/**
 * The relay finds the remote by the server name of a ClientHello. Neither side goes on with TLS, whose cost would limit
 * the load to a tenth; the relay's work is the same.
 */
export function names(connections: number): Workload {
  return {
    name: 'names',
    title: `whole connections by one of ${NAMES.toLocaleString('en-US')} server names, ${connections} at a time`,
    unit: CONNECTION,
    needs: NEEDS,
    serverNames: Array.from({ length: NAMES }, (_, i) => serverName(i)),
    server: helloServer,
    warmUp: (port, warmUpMs) => cutShort(generator({ port, seconds: 60 }, connections), warmUpMs),
    generator: (site) => generator(site, connections),
    readWork: readWrkOutput,
  }
}
