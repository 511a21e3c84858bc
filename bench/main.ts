import { cpus } from 'node:os'
import { type Options, readOptions, USAGE } from './options.js'
import { expectedSeconds, makePlan, type Plan } from './plan.js'
import { figure, percent } from './report/cells.js'
import { renderText } from './report/render.js'
import { makeReport, type Report } from './report/report.js'
import { saveReport } from './report/save.js'
import { type Progress, Rounds } from './rounds.js'
import { FOREIGN_SHARE_MAX } from './sample.js'
import { pinSelf } from './system/cores.js'
import { describeMachine, findCommand, versionOf } from './system/machine.js'

/** Progress goes to stderr, the report to stdout. */
function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

const progress: Progress = {
  measured(sample, { unit }) {
    const cost = figure(sample.costPerUnit * unit.costScale)
    const rate = figure((sample.work.units / sample.work.seconds) * unit.rateScale)
    const others =
      sample.foreignShare > FOREIGN_SHARE_MAX ? `, others ${percent(sample.foreignShare)} of a core` : ''
    const what = `${sample.round} ${sample.workload} ${sample.relay}`
    say(`round ${what}: ${cost} ${unit.costLabel}, ${rate} ${unit.rateLabel}${others}`)
  },
  failed({ round, workload, relay, reason }) {
    say(`round ${round} ${workload} ${relay}: failed: ${reason}`)
  },
}

function toolVersions(): Record<string, string> {
  const asked: readonly (readonly [string, string])[] = [
    ['wrk', '-v'],
    ['iperf3', '-v'],
    ['nginx', '-v'],
  ]
  return Object.fromEntries(
    asked.flatMap(([name, flag]) => {
      const path = findCommand(name)
      return path === undefined ? [] : [[name, versionOf(path, [flag])]]
    }),
  )
}

/** npm passes on the interrupt that the terminal has already sent to this process: one key press, two signals. */
const SAME_SIGNAL_MS = 500

/** The first interrupt ends the run and prints the report so far, the second ends this program. */
function stopOnSignals(rounds: Rounds): void {
  let stoppedAtMs: number | undefined
  const stop = (): void => {
    if (stoppedAtMs === undefined) {
      stoppedAtMs = performance.now()
      say('stopping')
      rounds.stop()
    } else if (performance.now() - stoppedAtMs > SAME_SIGNAL_MS) process.exit(130)
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  process.on('exit', () => rounds.stop())
}

function announce(plan: Plan, options: Options): void {
  for (const omission of plan.omissions) say(`left out: ${omission}`)
  for (const { name, version, setting } of plan.relays) say(`${name}: ${version}; ${setting}`)
  const seconds = Math.ceil(expectedSeconds(plan, options))
  say(`about ${seconds < 120 ? `${seconds} seconds` : `${Math.ceil(seconds / 60)} minutes`}`)
}

async function bench(options: Options): Promise<Report> {
  if (findCommand('taskset') === undefined) throw new Error('taskset is missing: apt-get install util-linux')
  if (cpus().length < 2) throw new Error('two cores are needed: one for the relay, one for the load')
  const plan = makePlan(options)
  announce(plan, options)
  pinSelf()
  const circumstances = {
    date: new Date().toISOString(),
    machine: describeMachine(),
    options,
    arguments: process.argv.slice(2),
    tools: toolVersions(),
  }
  const rounds = new Rounds(plan, options, progress)
  stopOnSignals(rounds)
  await rounds.run(options.rounds, options.limitSeconds)
  return makeReport(plan, rounds.results, circumstances)
}

async function main(): Promise<void> {
  const options = readOptions(process.argv.slice(2))
  if (options.isHelp) {
    process.stdout.write(USAGE)
    return
  }
  const report = await bench(options)
  process.stdout.write(renderText(report))
  if (options.isSaved) say(`saved as ${saveReport(report)}.json, .md and charts`)
  if (report.samples.length === 0 || report.failures.length > 0) process.exitCode = 1
}

try {
  await main()
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
