// A flood from 50,000 addresses beside a hundred clients that keep to the limit: their latency before and meanwhile, and CPU.
// `npm run bench:flood -- [--rate N] [--seconds N] [--rounds N] [--program PATH]`
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from '../measure.js'
import { LOAD_CORE, pinSelf, RELAY_CORE } from '../system/cores.js'
import { cpuSecondsBetween, readCpu } from '../system/cpu-clock.js'
import { freePort, untilListening } from '../system/port.js'
import { percentile, type Served, serveClients } from './clients.js'
import { type FloodRelay, haproxy, tcprelayAt } from './relays.js'

/** Compilers and caches settle. */
const WARM_UP_SECONDS = 4
/** What the flood has left behind: sockets that are closed, tables that expire. */
const PAUSE_MS = 1_000

interface Phase extends Served {
  readonly cpuShare: number
}

async function phase(pid: number, port: number, seconds: number): Promise<Phase> {
  const before = readCpu(pid)
  const beganMs = performance.now()
  const served = await serveClients(port, seconds)
  const cpuSeconds = cpuSecondsBetween(before, readCpu(pid))
  return { ...served, cpuShare: (cpuSeconds * 1e3) / (performance.now() - beganMs) }
}

function describe(name: string, { cpuShare, failures, ...served }: Phase): string {
  const [p50, p99] = [0.5, 0.99].map((share) => percentile({ ...served, failures }, share).toFixed(1))
  return `  ${name}: p50 ${p50} ms, p99 ${p99} ms, ${failures} failed, core ${(100 * cpuShare).toFixed(0)} %`
}

async function runOne(relay: FloodRelay, rate: number, seconds: number): Promise<string> {
  const bench = new Bench()
  const clear = () => bench.clearAtOnce()
  process.once('exit', clear)
  try {
    const remotePort = await freePort()
    const path = fileURLToPath(new URL('../outage/server.js', import.meta.url))
    const server = { command: process.execPath, args: [path, String(remotePort), 's'] }
    await untilListening(bench.start('server', server, LOAD_CORE), remotePort)
    const port = await freePort()
    const running = bench.start(relay.name, relay.launch(port, remotePort), RELAY_CORE)
    await untilListening(running, port)
    const generator = (forSeconds: number) => {
      const program = fileURLToPath(new URL('./flood.js', import.meta.url))
      return { command: process.execPath, args: [program, String(port), String(rate), String(forSeconds)] }
    }
    await bench.run('warm-up', generator(WARM_UP_SECONDS), 2e4)
    await delay(PAUSE_MS)
    const quiet = await phase(running.pid, port, seconds)
    const flood = await bench.hold('flood', generator(seconds))
    const flooded = await phase(running.pid, port, seconds)
    if (!(await flood.endsWithin(2e4))) throw new Error(`the flood did not end: ${flood.complaint}`)
    await delay(PAUSE_MS)
    const after = await phase(running.pid, port, seconds)
    const ratio = percentile(flooded, 0.99) / percentile(quiet, 0.99)
    return [
      `${relay.name}: p99 in the flood ÷ quiet: ${ratio.toFixed(2)}; flood: ${flood.output.trim().split('\n').at(-1)}`,
      describe('quiet', quiet),
      describe('flood', flooded),
      describe('after', after),
    ].join('\n')
  } finally {
    process.off('exit', clear)
    await bench.clear()
  }
}

const TEXT = { type: 'string' } as const
const { values } = parseArgs({ options: { rate: TEXT, seconds: TEXT, rounds: TEXT, program: TEXT } })
pinSelf()
for (let round = 0; round < Number(values.rounds ?? 1); round++) {
  for (const relay of [tcprelayAt(values.program), haproxy]) {
    const report = await runOne(relay, Number(values.rate ?? 10_000), Number(values.seconds ?? 20))
    process.stdout.write(`${report}\n`)
  }
}
