// Plain connections that stay open: each has one request and its reply, then nothing. Arguments: PORT CONNECTIONS
// Prints one line of JSON when all are open: HeldReport.
import { connect } from 'node:net'
import type { HeldReport } from './held-output.js'

/** Concurrent connects: no accept queue overflows. */
const STEP = 64
const REQUEST = 'GET / HTTP/1.1\r\nHost: relay\r\n\r\n'

const [port, count] = process.argv.slice(2)
const connections = Number(count)

/** Resolves at the reply. If the connection closes later, this program fails. */
function heldConnection(): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port: Number(port), noDelay: true })
  socket.write(REQUEST)
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => {
      reject(new Error(reason))
      console.error(reason)
      process.exit(1)
    }
    socket.once('data', () => resolve())
    socket.on('error', ({ message }) => fail(message))
    socket.on('close', () => fail('a connection that was to stay open was closed'))
  })
}

async function hold(): Promise<HeldReport> {
  const startMs = performance.now()
  for (let opened = 0; opened < connections; opened += STEP) {
    await Promise.all(Array.from({ length: Math.min(STEP, connections - opened) }, heldConnection))
  }
  return { connections, seconds: (performance.now() - startMs) / 1e3 }
}

process.stdout.write(`${JSON.stringify(await hold())}\n`)
