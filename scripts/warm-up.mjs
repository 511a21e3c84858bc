// Runs the built program once in each of its two forms, as one process and as a master with children, and lets it relay
// a connection: what a start and a session call is compiled then.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** A run takes less than a second. */
const LIMIT_MS = 20_000

const configuration = (masterLine, remotePort) => `id = spawnd {
  listen = { address = 127.0.0.1 port = 0 }
  ${masterLine}
}
id = tcprelay {
  # Recordings are written at the end, which the sandbox would prevent.
  sandbox = log
  remote = { address = 127.0.0.1 port = ${remotePort} }
}
`

/** Fails if the program does not serve or does not end in order. */
export async function warmUp() {
  const folder = mkdtempSync(join(tmpdir(), 'tcprelay-build-'))
  const remote = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  try {
    await once(remote.listen(0, '127.0.0.1'), 'listening')
    const file = join(folder, 'warm-up.cfg')
    for (const masterLine of ['', 'single process = yes']) {
      writeFileSync(file, configuration(masterLine, remote.address().port))
      await serveOnce(file)
    }
  } finally {
    remote.close()
    rmSync(folder, { recursive: true })
  }
}

async function serveOnce(file) {
  const program = spawn(process.execPath, ['bin/tcprelay.js', '-D', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  let log = ''
  createInterface(program.stderr).on('line', (line) => {
    log += `${line}\n`
    const [, port] = /serving .* listener \(127\.0\.0\.1:(\d+)\)/.exec(line) ?? []
    if (port !== undefined) exchange(Number(port), () => program.kill('SIGTERM'))
  })
  const [status] = await once(program, 'close')
  if (status !== 0) throw new Error(`the built program does not serve:\n${log}`)
}

/** Sends a byte, and expects it back. */
function exchange(port, then) {
  const client = connect(port, '127.0.0.1', () => client.write('x'))
  return client
    .on('data', () => client.end())
    .on('error', () => {})
    .on('close', then)
}
