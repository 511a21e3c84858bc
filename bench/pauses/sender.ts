// Sends bytes at a fixed rate over one connection. Arguments: PORT BYTES_PER_SECOND SECONDS
// Prints one line of JSON: SenderReport.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'

export interface SenderReport {
  /** Bytes that have arrived. */
  readonly bytes: number
  readonly seconds: number
}

/** A megabyte at a time at the usual rate: enough for a relay to promote it to bulk. */
const STEP_MS = 5
/** Small enough for an even rate, large enough for few calls. */
const CHUNK = Buffer.alloc(256 * 1024, 'x')
/** When this many bytes are queued in this process, the relay cannot keep up, and the rest is skipped. */
const WAITING_BYTES_MAX = 16 << 20

const [port, bytesPerSecond, seconds] = process.argv.slice(2).map(Number)
const socket = connect({ host: '127.0.0.1', port: port ?? 0, noDelay: true })
const answer = text(socket)
const startMs = performance.now()
let elapsedMs = 0
for (let sent = 0; elapsedMs < (seconds ?? 0) * 1e3; elapsedMs = performance.now() - startMs) {
  const due = (elapsedMs / 1e3) * (bytesPerSecond ?? 0)
  for (; sent + CHUNK.length <= due && socket.writableLength < WAITING_BYTES_MAX; sent += CHUNK.length) {
    socket.write(CHUNK)
  }
  await delay(STEP_MS)
}
socket.end()
const report: SenderReport = { bytes: Number(await answer), seconds: elapsedMs / 1e3 }
process.stdout.write(`${JSON.stringify(report)}\n`)
