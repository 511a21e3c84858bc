// The peers of `main.ts`: `serve PORT BYTES` sends to each client without end, so many bytes per second or, with 0, as many as
// it takes; `read PORT CONNECTIONS SECONDS` prints how many bytes each connection has got in that time, after all have got their
// first bytes.
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

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

/** Connects and counts; `onFirst` is called with the first bytes. */
function count(port: number, onFirst: () => void): { bytes: number } {
  const counted = { bytes: 0 }
  const callback = (byteCount: number): boolean => {
    if (counted.bytes === 0) onFirst()
    counted.bytes += byteCount
    return true
  }
  connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(1 << 20), callback } })
  return counted
}

/** All connections are measured in the same time, from when each has got bytes. */
async function read(port: number, connections: number, seconds: number): Promise<readonly Reading[]> {
  let silent = connections
  const all: { bytes: number }[] = []
  await new Promise<void>((resolve) => {
    for (let i = 0; i < connections; i++) all.push(count(port, () => void (--silent === 0 && resolve())))
  })
  const startedMs = performance.now()
  const before = all.map(({ bytes }) => bytes)
  await delay(seconds * 1e3)
  const tookS = (performance.now() - startedMs) / 1e3
  return all.map(({ bytes }, i) => ({ bytes: bytes - (before[i] ?? 0), seconds: tookS }))
}

const [mode, port, number, seconds] = process.argv.slice(2)
if (mode === 'serve') serve(Number(port), Number(number))
else {
  process.stdout.write(JSON.stringify(await read(Number(port), Number(number), Number(seconds))))
  process.exit()
}
