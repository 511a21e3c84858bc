// Bulk each way at once, on a connection each. iperf3 can do that, but distinguishes its two connections by the
// order in which they arrive, and relays with a handshake on each keep no such order. Arguments:
//   serve PORT            the remote
//   drive PORT SECONDS    the client; prints one line of JSON: BothWaysReport
import { connect, createServer, type Socket } from 'node:net'
import type { BothWaysReport } from './both-ways-output.js'

/** The first byte of a connection selects its direction. */
const UP = 1
const DOWN = 2
const CHUNK = Buffer.alloc(128 * 1024)
/** The receiver acknowledges that many bytes with one byte. */
const RECEIPT_BYTES = 1 << 20

function sendForEver(socket: Socket): void {
  const fill = (): void => {
    while (socket.write(CHUNK));
  }
  socket.on('drain', fill)
  fill()
}

/** `before`: bytes that arrived with the first one. */
function countAndReceipt(socket: Socket, before: number): void {
  let bytes = before
  socket.on('data', ({ length }: Buffer) => {
    const receipts = Math.floor((bytes + length) / RECEIPT_BYTES) - Math.floor(bytes / RECEIPT_BYTES)
    bytes += length
    if (receipts > 0) socket.write(Buffer.alloc(receipts))
  })
}

function serve(port: number): void {
  const server = createServer((socket) => {
    // A client that is done closes without a message.
    socket.on('error', () => {})
    socket.once('data', (first: Buffer) => {
      if (first[0] === DOWN) sendForEver(socket)
      else countAndReceipt(socket, first.length - 1)
    })
  })
  server.listen(port, '127.0.0.1')
}

function opened(port: number, way: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.write(Buffer.of(way))
  return socket
}

function drive(port: number, seconds: number): void {
  let receipts = 0
  let downBytes = 0
  const startMs = performance.now()
  const sockets = [opened(port, UP), opened(port, DOWN)] as const
  sockets[0].on('data', ({ length }: Buffer) => (receipts += length))
  sockets[1].on('data', ({ length }: Buffer) => (downBytes += length))
  sendForEver(sockets[0])
  const finish = (complaint?: string): void => {
    for (const socket of sockets) socket.removeAllListeners('close').destroy()
    clearTimeout(timer)
    const report: BothWaysReport = {
      upBytes: receipts * RECEIPT_BYTES,
      downBytes,
      seconds: (performance.now() - startMs) / 1e3,
      ...(complaint === undefined ? {} : { complaint }),
    }
    process.stdout.write(`${JSON.stringify(report)}\n`)
  }
  const timer = setTimeout(finish, seconds * 1e3)
  for (const socket of sockets) {
    socket.on('error', ({ message }) => finish(message))
    socket.on('close', () => finish('a connection was closed before the end'))
  }
}

const [mode, port, seconds] = process.argv.slice(2)
if (mode === 'serve') serve(Number(port))
else drive(Number(port), Number(seconds))
