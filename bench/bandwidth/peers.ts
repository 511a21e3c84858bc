// The peers of `main.ts`: `serve PORT BYTES` sends to each client without end, so many bytes per second or, with 0, as many as
// it takes; `read PORT CONNECTIONS SECONDS` prints how many bytes each connection has got in that time, counted from its first
// byte, and in which time.
import { connect, createServer, type Socket } from 'node:net'

const CHUNK = Buffer.alloc(1 << 20)

function send(socket: Socket): void {
  while (!socket.destroyed && socket.write(CHUNK));
}

/** In the steps of a fast sender with a timer: what is due, every few milliseconds. */
const STEP_MS = 5

function sendPaced(socket: Socket, bytesPerS: number): void {
  const startMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = ((performance.now() - startMs) / 1e3) * bytesPerS - sent
    for (let left = due; left > 0; left -= CHUNK.length) socket.write(CHUNK.subarray(0, left))
    sent += due
  }, STEP_MS)
  socket.on('close', () => clearInterval(timer))
}

function serve(port: number, bytesPerS: number): void {
  createServer((socket) => {
    socket.on('error', () => socket.destroy())
    if (bytesPerS > 0) sendPaced(socket, bytesPerS)
    else {
      socket.on('drain', () => send(socket))
      send(socket)
    }
  }).listen(port, '127.0.0.1')
}

interface Reading {
  readonly bytes: number
  readonly seconds: number
}

function read(port: number, seconds: number): Promise<Reading> {
  return new Promise((resolve, reject) => {
    let bytes = 0
    let startedMs = 0
    const callback = (count: number): boolean => {
      if (startedMs === 0) {
        startedMs = performance.now()
        setTimeout(() => {
          const seconds = (performance.now() - startedMs) / 1e3
          socket.destroy()
          resolve({ bytes, seconds })
        }, seconds * 1e3)
      } else bytes += count
      return true
    }
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(1 << 20), callback } })
    socket.on('error', reject)
  })
}

const [mode, port, connections, seconds] = process.argv.slice(2)
if (mode === 'serve') serve(Number(port), Number(connections))
else {
  const all = Array.from({ length: Number(connections) }, () => read(Number(port), Number(seconds)))
  process.stdout.write(JSON.stringify(await Promise.all(all)))
  process.exit()
}
