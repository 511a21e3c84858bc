// Limits of bandwidth against the clock, and what they cost: `npm run bench:bandwidth -- [--seconds N] [--splice auto|no]`
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from '../measure.js'
import { textTable } from '../report/table.js'
import { LOAD_CORE, pinSelf, RELAY_CORE } from '../system/cores.js'
import { cpuSecondsBetween, readCpu } from '../system/cpu-clock.js'
import type { Launch } from '../system/launch.js'
import { PROJECT_DIR } from '../system/machine.js'
import { freePort, untilListening } from '../system/port.js'

const PEERS = fileURLToPath(new URL('./peers.js', import.meta.url))
const MB = 1e6

/** Until the relay is compiled and nothing else of its start is left. */
const WARM_UP_S = 3
/** A client that has to end takes at most this much longer. */
const LATE_MS = 20_000

/** What is measured: without a limit the sender keeps the rate, so that the same bytes come at the same speed. */
interface Case {
  readonly connections: number
  /** MB/s of each connection, or of all together. */
  readonly rate: number
  readonly isShared: boolean
  readonly isLimited: boolean
}

const SETTINGS = [
  { connections: 1, rate: 1, isShared: false },
  { connections: 1, rate: 10, isShared: false },
  { connections: 1, rate: 200, isShared: false },
  { connections: 20, rate: 1, isShared: false },
  { connections: 20, rate: 10, isShared: false },
  { connections: 20, rate: 10, isShared: true },
  { connections: 20, rate: 200, isShared: true },
]

interface Result {
  readonly mbPerS: number
  /** From the limit: of all connections, and of the one that differs most from its share. */
  readonly error: number
  readonly worst: number
  readonly cpuPerGb: number
}

function peers(...args: readonly (string | number)[]): Launch {
  return { command: process.execPath, args: [PEERS, ...args.map(String)] }
}

function relayLaunch(
  port: number,
  remotePort: number,
  splice: string,
  { isLimited, isShared, rate }: Case,
): Launch {
  const per = isShared ? 'all' : 'session'
  const limit = isLimited ? `limit = { per = ${per} bytes out = ${rate * MB}/s }` : ''
  const text = `id = spawnd { listen = { address = 127.0.0.1 port = ${port} } single process = yes }
id = tcprelay { remote = { address = 127.0.0.1 port = ${remotePort} } splice = ${splice} ${limit} }
`
  const program = `${PROJECT_DIR}/bin/tcprelay.js`
  return { command: process.execPath, args: [program, 'relay.cfg'], files: { 'relay.cfg': text } }
}

async function measure(bench: Bench, one: Case, splice: string, seconds: number): Promise<Result> {
  const [port, remotePort] = [await freePort(), await freePort()]
  const { connections, isLimited, isShared, rate } = one
  const each = isShared ? rate / connections : rate
  const server = bench.start('server', peers('serve', remotePort, isLimited ? 0 : each * MB), LOAD_CORE)
  await untilListening(server, remotePort)
  const relay = bench.start('relay', relayLaunch(port, remotePort, splice, one), RELAY_CORE)
  await untilListening(relay, port)
  const read = async (name: string, seconds: number) => {
    const client = bench.start(name, peers('read', port, connections, seconds), LOAD_CORE)
    if (!(await client.endsWithin(seconds * 1e3 + LATE_MS))) throw new Error('the client does not end')
    return client.output
  }
  await read('warm-up', WARM_UP_S)
  const before = readCpu(relay.pid)
  const output = await read('client', seconds)
  const cpuSeconds = cpuSecondsBetween(before, readCpu(relay.pid))
  await bench.clear()
  const readings: readonly { readonly bytes: number; readonly seconds: number }[] = JSON.parse(output)
  const rates = readings.map(({ bytes, seconds }) => bytes / seconds / MB)
  const mbPerS = rates.reduce((sum, rate) => sum + rate, 0)
  const bytes = readings.reduce((sum, reading) => sum + reading.bytes, 0)
  return {
    mbPerS,
    error: mbPerS / (each * connections) - 1,
    worst: Math.max(...rates.map((rate) => Math.abs(rate / each - 1))),
    cpuPerGb: cpuSeconds / (bytes / 1e9),
  }
}

const percent = (part: number): string => `${(part * 100).toFixed(2)} %`

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      splice: { type: 'string', default: 'auto' },
      only: { type: 'string', default: '0,1,2,3,4,5,6' },
    },
  })
  pinSelf()
  const bench = new Bench()
  const rows: string[][] = []
  try {
    for (const index of values.only.split(',')) {
      const setting = SETTINGS[Number(index)]
      if (setting === undefined) throw new Error(`--only takes numbers below ${SETTINGS.length}`)
      const seconds = Number(values.seconds)
      const [none, limited] = [
        await measure(bench, { ...setting, isLimited: false }, values.splice, seconds),
        await measure(bench, { ...setting, isLimited: true }, values.splice, seconds),
      ]
      rows.push([
        String(setting.connections),
        `${setting.rate} MB/s ${setting.isShared ? 'together' : 'each'}`,
        limited.mbPerS.toFixed(2),
        percent(limited.error),
        percent(limited.worst),
        limited.cpuPerGb.toFixed(3),
        none.cpuPerGb.toFixed(3),
        (limited.cpuPerGb / none.cpuPerGb).toFixed(2),
      ])
      process.stderr.write(`${rows.at(-1)?.join('  ')}\n`)
    }
  } finally {
    await bench.clear()
  }
  const head = ['sessions', 'limit', 'MB/s', 'error', 'worst session', 'CPU s/GB', 'without', 'ratio']
  process.stdout.write(`${textTable([head, ...rows])}\n`)
}

await main()
