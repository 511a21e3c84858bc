/** Well-behaved clients: a hundred addresses, each with a new connection every 1.5 seconds. */
import { connect } from 'node:net'

const CLIENTS = 100
const EVERY_MS = 1_500
const LIMIT_MS = 10_000

export interface Served {
  /** From connect(2) to the end of the reply, sorted. */
  readonly latenciesMs: readonly number[]
  readonly failures: number
}

/** One connection; resolves with its duration, or undefined if it failed. */
function ask(port: number, client: number): Promise<number | undefined> {
  const beganMs = performance.now()
  return new Promise((resolve) => {
    let reply = ''
    const socket = connect({ host: '127.0.0.1', port, localAddress: `127.1.0.${client + 1}` })
    socket.setTimeout(LIMIT_MS, () => socket.destroy())
    socket.on('connect', () => socket.write('GET\n'))
    socket.on('data', (bytes) => {
      reply += bytes.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(reply.endsWith('\n') ? performance.now() - beganMs : undefined))
  })
}

/** Their connections are spread evenly over the time. */
export function serveClients(port: number, seconds: number): Promise<Served> {
  const asked: Promise<number | undefined>[] = []
  const count = Math.floor((seconds * 1e3 * CLIENTS) / EVERY_MS)
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (asked.length < count) {
        asked.push(ask(port, asked.length % CLIENTS))
        return
      }
      clearInterval(timer)
      void Promise.all(asked).then((all) => {
        const latenciesMs = all.filter((ms) => ms !== undefined).toSorted((a, b) => a - b)
        resolve({ latenciesMs, failures: all.length - latenciesMs.length })
      })
    }, EVERY_MS / CLIENTS)
  })
}

export function percentile({ latenciesMs }: Served, share: number): number {
  return latenciesMs[Math.min(latenciesMs.length - 1, Math.floor(latenciesMs.length * share))] ?? Number.NaN
}
