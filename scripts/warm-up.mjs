// Runs the built program once in each of its two forms, as one process and as a master with children, lets it relay a
// connection, and asks it: what a start, a session and a question call is compiled then.
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
    const socket = join(folder, 'admin.sock')
    for (const mode of ['', 'single process = yes']) {
      writeFileSync(file, configuration(`${mode} admin = { path = ${socket} }`, remote.address().port))
      await serveOnce(file, socket)
    }
  } finally {
    remote.close()
    rmSync(folder, { recursive: true })
  }
}

async function serveOnce(file, socket) {
  const program = spawn(process.execPath, ['bin/tcprelay.js', '-D', file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
    timeout: LIMIT_MS,
    killSignal: 'SIGKILL',
  })
  let log = ''
  let port = ''
  createInterface(program.stderr).on('line', (line) => {
    log += `${line}\n`
    port ||= /serving .* listener \(127\.0\.0\.1:(\d+)\)/.exec(line)?.[1] ?? ''
    if (line.includes('administration at'))
      ask(socket, () => exchange(Number(port), () => program.kill('SIGTERM')))
  })
  const [status] = await once(program, 'close')
  if (status !== 0) throw new Error(`the built program does not serve:\n${log}`)
}

function ask(socket, then) {
  const words = ['bin/tcprelayctl.js', '--socket', socket, 'remotes']
  const asking = spawn(process.execPath, words, { stdio: 'ignore', timeout: LIMIT_MS, killSignal: 'SIGKILL' })
  asking.on('close', then)
}

/** Sends a byte, and expects it back. */
function exchange(port, then) {
  const client = connect(port, '127.0.0.1', () => client.write('x'))
  return client
    .on('data', () => client.end())
    .on('error', () => {})
    .on('close', then)
}
