// A remote is killed under load and comes back: which clients fail, and how soon the relay knows.
// `npm run bench:outage -- [--rate N]`
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Bench } from '../measure.js'
import { LOAD_CORE, pinSelf, RELAY_CORE } from '../system/cores.js'
import { findCommand } from '../system/machine.js'
import type { OwnProcess } from '../system/own-process.js'
import { freePort, untilListening } from '../system/port.js'
import { Clients, type Outcome } from './clients.js'
import { CHECK_EVERY_S, FALL, OUTAGE_RELAYS, type OutageRelay, RISE, SLOW_START_S } from './relays.js'

const SERVERS = 4
/** Until all programs are compiled and nothing waits. */
const BEFORE_MS = 8_000
const DOWN_MS = 6_000
const AFTER_MS = (SLOW_START_S + 6) * 1_000
/** How often the kernel's counter of failed attempts and the log of the relay are looked at. */
const LOOK_EVERY_MS = 10
const SHARE_WINDOW_MS = 500

/** Failed attempts to connect, of this machine since its start (RFC 4022, tcpAttemptFails). */
function attemptFails(): number {
  const [names, values] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  return Number(values?.[names?.indexOf('AttemptFails') ?? -1])
}

interface Moments {
  killedMs: number
  /** Its process has ended. */
  goneMs: number
  restartedMs: number
  downMs: number | undefined
  upMs: number | undefined
  /** Failed attempts in the outage, and when the last one was seen that is not alone as a check is. */
  fails: number
  lastFailMs: number
}

/** Notes when the log has the verdicts, and when attempts fail, until it is stopped. */
function watch(relay: OutageRelay, running: OwnProcess, moments: Moments): () => void {
  let known = attemptFails()
  const timer = setInterval(() => {
    const nowMs = performance.now()
    const log = running.log
    if (moments.downMs === undefined && relay.down.test(log)) moments.downMs = nowMs
    if (moments.upMs === undefined && relay.up.test(log)) moments.upMs = nowMs
    const fails = attemptFails()
    if (fails > known) moments.fails += fails - known
    if (fails > known + 1) moments.lastFailMs = nowMs
    known = fails
  }, LOOK_EVERY_MS)
  return () => clearInterval(timer)
}

async function runOne(relay: OutageRelay, rate: number): Promise<string> {
  const bench = new Bench()
  const clear = () => bench.clearAtOnce()
  process.once('exit', clear)
  try {
    const ports: number[] = []
    const servers: OwnProcess[] = []
    const start = async (i: number) => {
      const path = fileURLToPath(new URL('./server.js', import.meta.url))
      const args = [path, String(ports[i]), `s${i}`]
      const started = bench.start(`server${i}`, { command: process.execPath, args }, LOAD_CORE)
      await untilListening(started, ports[i] as number)
      servers[i] = started
    }
    for (let i = 0; i < SERVERS; i++) {
      ports.push(await freePort())
      await start(i)
    }
    const port = await freePort()
    const running = bench.start(relay.name, relay.launch(port, ports), RELAY_CORE)
    await untilListening(running, port)
    await delay(2 * CHECK_EVERY_S * 1_000)
    const moments: Moments = {
      killedMs: 0,
      goneMs: 0,
      restartedMs: 0,
      downMs: undefined,
      upMs: undefined,
      fails: 0,
      lastFailMs: 0,
    }
    const clients = new Clients(port, rate)
    await delay(BEFORE_MS)
    const stopWatching = watch(relay, running, moments)
    moments.killedMs = performance.now()
    process.kill(servers[0]?.pid ?? 0, 'SIGKILL')
    // Until then its kernel takes connections for it.
    await servers[0]?.endsWithin(DOWN_MS)
    moments.goneMs = performance.now()
    await delay(DOWN_MS)
    await start(0)
    moments.restartedMs = performance.now()
    await delay(AFTER_MS)
    const outcomes = await clients.stop()
    stopWatching()
    return report(relay, outcomes, moments)
  } finally {
    process.off('exit', clear)
    await bench.clear()
  }
}

function report({ name }: OutageRelay, outcomes: readonly Outcome[], moments: Moments): string {
  const { downMs, fails, goneMs, killedMs, lastFailMs, restartedMs, upMs } = moments
  const failed = outcomes.filter(({ server }) => server === undefined)
  const later = failed.filter(({ startedMs }) => startedMs > goneMs)
  const slowestMs = Math.max(...outcomes.map(({ endedMs, startedMs }) => endedMs - startedMs))
  const after = (ms: number | undefined, sinceMs: number) =>
    ms === undefined || ms < sinceMs ? 'never' : `${Math.round(ms - sinceMs)} ms`
  return [
    `${name}: ${outcomes.length} clients`,
    `  failed: ${failed.length - later.length} that had begun before the remote was gone, ${later.length} later${wordsOf(later)}`,
    `  slowest client: ${Math.round(slowestMs)} ms`,
    `  verdict down after ${after(downMs, killedMs)}; attempts that failed, checks included: ${fails}, the last but checks after ${after(lastFailMs, killedMs)}`,
    `  back: verdict up after ${after(upMs, restartedMs)}, first client after ${after(firstMs(outcomes, restartedMs), restartedMs)}, full share after ${after(fullMs(outcomes, restartedMs), restartedMs)}`,
    '',
  ].join('\n')
}

function wordsOf(failed: readonly Outcome[]): string {
  const errors = [...new Set(failed.map(({ error }) => error))]
  return errors.length === 0 ? '' : ` (${errors.slice(0, 3).join('; ')})`
}

function firstMs(outcomes: readonly Outcome[], sinceMs: number): number | undefined {
  const ends = outcomes.flatMap(({ endedMs, server }) =>
    server === 's0' && endedMs > sinceMs ? [endedMs] : [],
  )
  return ends.length === 0 ? undefined : Math.min(...ends)
}

/** The end of the first window in which the remote has nine tenths of its share. */
function fullMs(outcomes: readonly Outcome[], sinceMs: number): number | undefined {
  for (let fromMs = sinceMs; fromMs < sinceMs + AFTER_MS; fromMs += SHARE_WINDOW_MS / 5) {
    const within = outcomes.filter(({ endedMs }) => endedMs >= fromMs && endedMs < fromMs + SHARE_WINDOW_MS)
    const own = within.filter(({ server }) => server === 's0').length
    if (within.length > 0 && own >= (0.9 * within.length) / SERVERS) return fromMs + SHARE_WINDOW_MS
  }
  return undefined
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { rate: { type: 'string', default: '2000' } } })
  const rate = Number(values.rate)
  if (!(rate >= 1 && rate <= 20_000)) throw new Error('--rate takes a number from 1 to 20000')
  pinSelf()
  process.on('SIGINT', () => process.exit(130)).on('SIGTERM', () => process.exit(143))
  process.stdout.write(
    `${SERVERS} remotes, ${rate} clients a second; checks every ${CHECK_EVERY_S} s, rise ${RISE}, fall ${FALL}, slow start ${SLOW_START_S} s\n`,
  )
  // The first clients of this process are slow, until it is compiled: twice, so that no relay has all of them.
  for (const relay of [...OUTAGE_RELAYS, ...OUTAGE_RELAYS]) {
    if (relay.name === 'haproxy' && findCommand('haproxy') === undefined)
      process.stdout.write('haproxy: not installed\n')
    else process.stdout.write(await runOne(relay, rate))
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 2
}
