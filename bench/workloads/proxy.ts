import type { Launch } from '../system/launch.js'
import { cutShort, httpServer, NEEDS, wholeConnections } from './http.js'
import { luaString } from './names.js'
import type { GeneratorSite, ProxyWork, Workload } from './workload.js'
import { readWrkOutput } from './wrk-output.js'

const SCRIPT = 'proxy.lua'
const REQUEST = 'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n'

const V1 = Buffer.from('PROXY TCP4 192.0.2.7 192.0.2.1 5012 443\r\n')
/** Signature, version 2 and PROXY, TCP over IPv4, 12 bytes: addresses and ports as in `V1`. */
const V2 = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000207c0000201139401bb', 'hex')

/** `wrk` checks the first request and does not send it; then it sends any bytes: here a header and a request. */
function script(header: Buffer): string {
  return `local whole = ${luaString(Buffer.concat([header, Buffer.from(REQUEST)]))}
local isChecked = false
function request()
  if isChecked then return whole end
  isChecked = true
  return "GET / HTTP/1.1\\r\\n\\r\\n"
end
`
}

function generator({ port, seconds }: GeneratorSite, connections: number, header: Buffer): Launch {
  const load = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', SCRIPT]
  const args = [...load, `http://127.0.0.1:${port}/`]
  return { command: 'wrk', args, files: { [SCRIPT]: script(header) } }
}

/** Each connection begins with a header, in one segment with its request. */
function accepting(version: 'v1' | 'v2', connections: number): Workload {
  const header = version === 'v1' ? V1 : V2
  const { unit } = wholeConnections(connections)
  return {
    name: `proxy-in-${version}`,
    title: `whole connections that begin with a PROXY header (${version}), ${connections} at a time`,
    unit,
    needs: NEEDS,
    proxy: 'accept',
    server: httpServer,
    warmUp: (port, warmUpMs) => cutShort(generator({ port, seconds: 60 }, connections, header), warmUpMs),
    generator: (site) => generator(site, connections, header),
    readWork: readWrkOutput,
  }
}

/** As `connections`, and the server requires a header. */
function sending(version: 'v1' | 'v2', connections: number): Workload {
  const proxy: ProxyWork = `send ${version}`
  return {
    ...wholeConnections(connections),
    name: `proxy-out-${version}`,
    title: `whole connections, each with a PROXY header (${version}) to the server, ${connections} at a time`,
    proxy,
    server: (site) => httpServer(site, ' proxy_protocol'),
  }
}

export function proxyWorkloads(connections: number): readonly Workload[] {
  return (['v1', 'v2'] as const).flatMap((version) => [
    accepting(version, connections),
    sending(version, connections),
  ])
}
