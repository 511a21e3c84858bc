// TLS clients in place of wrk, which resumes sessions whenever it can and does not report it. Arguments:
//   full PORT CONNECTIONS SECONDS      whole connections, each with a full handshake
//   resumed PORT CONNECTIONS SECONDS   whole connections, each resuming a session
//   hold PORT CONNECTIONS              opens them, a request and reply on each, and stays
// Prints one line of JSON: GeneratorReport.
import { connect, createSecureContext, type TLSSocket } from 'node:tls'
import { TLS_GROUP, TLS_SUITE } from '../system/tls.js'
import type { GeneratorReport } from './tls-output.js'

/** Stops after this many broken connections instead of trying for ever: they are no measurement. */
const BROKEN_MAX = 20
/** Concurrent connects while many connections are opened. */
const HOLD_STEP = 32

const [mode, port, count, seconds] = process.argv.slice(2)
const connections = Number(count)
const secureContext = createSecureContext({
  minVersion: 'TLSv1.3',
  maxVersion: 'TLSv1.3',
  ciphers: TLS_SUITE,
  ecdhCurve: TLS_GROUP,
})

function open(session?: Buffer): TLSSocket {
  const socket = connect({
    host: '127.0.0.1',
    port: Number(port),
    secureContext,
    rejectUnauthorized: false,
    ...(session === undefined ? {} : { session }),
  })
  socket.setNoDelay(true)
  return socket
}

function request(kind: 'close' | 'keep-alive'): string {
  return `GET / HTTP/1.1\r\nHost: relay\r\nConnection: ${kind}\r\n\r\n`
}

const latenciesMs: number[] = []
let resumed = 0
let broken = 0
let complaint: string | undefined

function complain(reason: string): void {
  broken++
  complaint ??= reason
}

/** One whole connection; `session` is the ticket to begin with, the result the newest one. */
function wholeConnection(session: Buffer | undefined): Promise<Buffer | undefined> {
  const startMs = performance.now()
  const socket = open(session)
  let reply = ''
  let given = session
  let error: string | undefined
  if (mode === 'resumed') socket.on('session', (ticket: Buffer) => (given = ticket))
  socket.once('secureConnect', () => (resumed += socket.isSessionReused() ? 1 : 0))
  socket.on('data', (bytes: Buffer) => (reply += bytes.toString('latin1')))
  socket.on('error', ({ message }) => (error = message))
  socket.write(request('close'))
  return new Promise((resolve) => {
    socket.on('close', () => {
      if (error === undefined && reply.startsWith('HTTP/1.1 200 ')) {
        latenciesMs.push(performance.now() - startMs)
      } else complain(error ?? `closed after ${reply.length} bytes of the reply`)
      resolve(given)
    })
  })
}

/** Keeps that many connections in progress; those still open at the end count. */
async function keepGoing(): Promise<GeneratorReport> {
  // Another connection gets the first ticket; it is not counted.
  let session = mode === 'resumed' ? await wholeConnection(undefined) : undefined
  if (mode === 'resumed' && session === undefined) throw new Error(complaint ?? 'the server sent no ticket')
  latenciesMs.length = 0
  const startMs = performance.now()
  const endMs = startMs + Number(seconds) * 1e3
  const slot = async (): Promise<void> => {
    while (performance.now() < endMs && broken < BROKEN_MAX) session = await wholeConnection(session)
  }
  await Promise.all(Array.from({ length: connections }, slot))
  const sorted = latenciesMs.toSorted((a, b) => a - b)
  return {
    connections: latenciesMs.length,
    resumed,
    seconds: (performance.now() - startMs) / 1e3,
    p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0,
    broken,
    ...(complaint === undefined ? {} : { complaint }),
  }
}

/** A connection that stays open, resolved at the reply to its first request. */
function heldConnection(): Promise<void> {
  const socket = open()
  socket.write(request('keep-alive'))
  return new Promise((resolve, reject) => {
    socket.once('data', () => resolve())
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('a connection that was to stay open was closed')))
  })
}

async function hold(): Promise<GeneratorReport> {
  const startMs = performance.now()
  for (let opened = 0; opened < connections; opened += HOLD_STEP) {
    await Promise.all(Array.from({ length: Math.min(HOLD_STEP, connections - opened) }, heldConnection))
  }
  return { connections, resumed: 0, seconds: (performance.now() - startMs) / 1e3, broken: 0 }
}

process.stdout.write(`${JSON.stringify(await (mode === 'hold' ? hold() : keepGoing()))}\n`)
