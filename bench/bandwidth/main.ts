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
const WARM_UP_LIMIT_MS = 20_000

/** What a limit of bandwidth may cost and how exact it has to be: bounds of the project. */
const COST_MAX = 1.1
const ERROR_MAX = 0.02

interface Case {
  readonly connections: number
  /** MB/s of each connection, or of all together; undefined: not limited. */
  readonly rate?: number
  readonly isShared?: boolean
}

const CASES: readonly Case[] = [
  { connections: 1 },
  ...[1, 10, 200].map((rate) => ({ connections: 1, rate })),
  { connections: 20 },
  ...[1, 10, 20].map((rate) => ({ connections: 20, rate })),
  ...[10, 200].map((rate) => ({ connections: 20, rate, isShared: true })),
]

interface Result {
  readonly error: number | undefined
  /** Of the connection that differs most from its limit. */
  readonly worst: number | undefined
  readonly mbPerS: number
  readonly cpuPerGb: number
}

function peers(...args: readonly (string | number)[]): Launch {
  return { command: process.execPath, args: [PEERS, ...args.map(String)] }
}

function relayLaunch(port: number, remotePort: number, splice: string, { isShared, rate }: Case): Launch {
  const per = isShared ? 'all' : 'session'
  const limit = rate === undefined ? '' : `limit = { per = ${per} bytes out = ${rate * MB}/s }`
  const text = `id = spawnd { listen = { address = 127.0.0.1 port = ${port} } single process = yes }
id = tcprelay { remote = { address = 127.0.0.1 port = ${remotePort} } splice = ${splice} ${limit} }
`
  const program = `${PROJECT_DIR}/bin/tcprelay.js`
  return { command: process.execPath, args: [program, 'relay.cfg'], files: { 'relay.cfg': text } }
}

async function measure(bench: Bench, one: Case, splice: string, seconds: number): Promise<Result> {
  const [port, remotePort] = [await freePort(), await freePort()]
  const server = bench.start('server', peers('serve', remotePort), LOAD_CORE)
  await untilListening(server, remotePort)
  const relay = bench.start('relay', relayLaunch(port, remotePort, splice, one), RELAY_CORE)
  await untilListening(relay, port)
  const warmUp = bench.start('warm-up', peers('read', port, one.connections, WARM_UP_S), LOAD_CORE)
  if (!(await warmUp.endsWithin(WARM_UP_LIMIT_MS))) throw new Error('the warm-up does not end')
  const before = readCpu(relay.pid)
  const client = bench.start('client', peers('read', port, one.connections, seconds), LOAD_CORE)
  if (!(await client.endsWithin((seconds + 20) * 1e3))) throw new Error('the client does not end')
  const cpuSeconds = cpuSecondsBetween(before, readCpu(relay.pid))
  await bench.clear()
  const readings: readonly { readonly bytes: number; readonly seconds: number }[] = JSON.parse(client.output)
  const rates = readings.map(({ bytes, seconds }) => bytes / seconds / MB)
  const mbPerS = rates.reduce((sum, rate) => sum + rate, 0)
  const bytes = readings.reduce((sum, reading) => sum + reading.bytes, 0)
  const cpuPerGb = cpuSeconds / (bytes / 1e9)
  const { connections, isShared = false, rate } = one
  if (rate === undefined) return { error: undefined, worst: undefined, mbPerS, cpuPerGb }
  const wanted = isShared ? rate : rate * connections
  const each = wanted / connections
  const worst = Math.max(...rates.map((rate) => Math.abs(rate / each - 1)))
  return { error: mbPerS / wanted - 1, worst, mbPerS, cpuPerGb }
}

function percent(part: number | undefined): string {
  return part === undefined ? '' : `${(part * 100).toFixed(2)} %`
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '10' },
      splice: { type: 'string', default: 'auto' },
      only: { type: 'string' },
    },
  })
  pinSelf()
  const bench = new Bench()
  const rows: string[][] = []
  let unlimited = 0
  try {
    for (const one of CASES.filter(
      (_, i) => values.only === undefined || values.only.split(',').includes(String(i)),
    )) {
      const { cpuPerGb, error, mbPerS, worst } = await measure(
        bench,
        one,
        values.splice,
        Number(values.seconds),
      )
      if (one.rate === undefined) unlimited = cpuPerGb
      const { connections, isShared, rate } = one
      const limit = rate === undefined ? 'none' : `${rate} MB/s ${isShared ? 'together' : 'each'}`
      const isWrong = Math.abs(error ?? 0) > ERROR_MAX || cpuPerGb / unlimited > COST_MAX
      rows.push([
        String(connections),
        limit,
        mbPerS.toFixed(2),
        percent(error),
        percent(worst),
        cpuPerGb.toFixed(3),
        (cpuPerGb / unlimited).toFixed(2),
        isWrong ? '*' : '',
      ])
      process.stderr.write(`${rows.at(-1)?.join('  ')}\n`)
    }
  } finally {
    await bench.clear()
  }
  const head = ['sessions', 'limit', 'MB/s', 'error', 'worst session', 'CPU s/GB', 'to none', '']
  process.stdout.write(textTable([head, ...rows]))
}

await main()
