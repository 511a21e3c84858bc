/** The main job of `npm start`: the relay with an embedded configuration, and two servers for it. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { runSingle } from '../control/run-single.js'
import { fileSources } from '../plan/load/file-sources.js'
import { loadFrom } from '../plan/load/load.js'
import { parseArguments } from './arguments.js'

const CONFIGURATION = 'built-in.cfg'
/** Above 1023, so that no privilege is needed. README.md names it. */
const LISTEN_PORT = 2222

/** The embedded default of `npm start`: a relay in front of two small servers that say who they are. */
export async function runDemo(): Promise<void> {
  const servers = await Promise.all(['north', 'south'].map(startServer))
  const text = configurationFor(servers.map(portOf))
  // -D: the log of the demonstration is shown, also if stderr is not a terminal.
  const parsed = parseArguments(['-D', CONFIGURATION])
  if (parsed.kind !== 'run') throw new Error('the built-in command line is wrong')
  const bytes = new TextEncoder().encode(text)
  const options = {
    program: 'tcprelay' as const,
    programPath: 'tcprelay',
    arguments: parsed.arguments,
    sources: {
      ...fileSources,
      // The embedded text has no file: its name is answered here.
      read: (path: string) =>
        path === CONFIGURATION ? ({ ok: true, bytes } as const) : fileSources.read(path),
    },
  }
  await runSingle(options, await loadFrom(options), undefined, {
    onServing: ([listener]) => process.stdout.write(introduction(text, listener)),
    onLeaving: () => {
      for (const server of servers) server.close().closeAllConnections()
    },
  })
}

async function startServer(name: string): Promise<Server> {
  const server = createServer((request, response) => {
    // Each request opens a connection, so repeated requests show how clients are distributed.
    response.setHeader('Connection', 'close')
    response.end(`This is ${name}, answering ${request.socket.remoteAddress}:${request.socket.remotePort}.\n`)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port
}

function configurationFor(ports: readonly number[]): string {
  const remotes = ports.map((port) => `  remote = { address = 127.0.0.1 port = ${port} }`)
  return [
    'id = spawnd {',
    '  single process = yes',
    `  listen = { address = 127.0.0.1 port = ${LISTEN_PORT} }`,
    '}',
    'id = tcprelay {',
    ...remotes,
    '  access log = stderr',
    '}',
    '',
  ].join('\n')
}

function introduction(text: string, listener: string | undefined): string {
  if (listener === undefined) return ''
  return [
    '',
    'This relay runs on a built-in configuration:',
    '',
    ...text.split('\n').map((line) => `    ${line}`),
    'Try it, more than once:',
    '',
    `    curl http://${listener}/`,
    '',
    'Ctrl-C stops it. Your own configuration: npm start -- my.cfg',
    '',
    '',
  ].join('\n')
}
