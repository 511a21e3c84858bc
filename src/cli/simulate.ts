/** The command `simulate`: runs an access log, or generated connections, through a configuration. */
import { EXIT_CANNOT_CREATE, EXIT_NO_INPUT, EXIT_OK, EXIT_USAGE } from '../base/exit-codes.js'
import { shownPath } from '../config/expectation.js'
import { renderProblems } from '../config/problem-text.js'
import { cannotRead } from '../config/sources.js'
import { writeText } from '../control/process/log-setup.js'
import { exitCodeFor, hasErrors } from '../plan/check/check.js'
import { fileSources } from '../plan/load/file-sources.js'
import { type Loaded, type LoadOptions, loadFrom } from '../plan/load/load.js'
import { generateTrace } from '../simulate/generate-trace.js'
import { reportText } from '../simulate/report-text.js'
import { type Simulation, simulate } from '../simulate/simulate.js'
import type { Trace } from '../simulate/trace.js'
import { readTrace } from './read-trace.js'
import type { SimulateArguments } from './simulate-arguments.js'
import { outagesOf, UnknownRemote } from './simulated-outages.js'
import { compileForSimulation, type SimulatedPlan } from './simulated-plan.js'
import { writeTrace } from './write-trace.js'

type Options = LoadOptions & SimulateArguments

/** A message and an exit code instead of a report. */
interface Failure {
  readonly exitCode: number
  readonly problem: string
}

/** Exit codes: 0 with a report, those of a start when the configuration is wrong, otherwise as in docs/operations.md. */
export async function runSimulate(options: Options): Promise<void> {
  const loaded = await loadFrom({ ...options, skipsTls: true })
  if (loaded.problems.length > 0) writeText(renderProblems(loaded.problems, loaded.sources))
  if (hasErrors(loaded.problems)) {
    process.exitCode = exitCodeFor(loaded.problems)
    return
  }
  const failure = await report(options, loaded)
  process.exitCode = failure?.exitCode ?? EXIT_OK
  if (failure !== undefined) writeText(`${options.program}: ${failure.problem}\n`)
}

/** Simulates and prints; returns why that is not possible. */
async function report(options: Options, loaded: Loaded): Promise<Failure | undefined> {
  const seed = options.seed ?? Math.floor(Math.random() * 2 ** 32)
  const plan = compileForSimulation(loaded, options)
  if (typeof plan === 'string') return { exitCode: EXIT_USAGE, problem: plan }
  const notes: string[] = []
  const trace = await traceOf(options, plan, seed, notes)
  if ('problem' in trace) return trace
  const parts = plan.prepare(trace, seed)
  const outages = outagesOf(options.outages, parts.rows, trace)
  if (outages instanceof UnknownRemote) return { exitCode: EXIT_USAGE, problem: outages.message }
  const simulation = simulate(trace, parts.rows, parts.model, outages)
  print(options, simulation, seed, [...notes, ...plan.notes])
  return saveTrace(options, trace, simulation, plan)
}

async function traceOf(
  { source }: Options,
  plan: SimulatedPlan,
  seed: number,
  notes: string[],
): Promise<Trace | Failure> {
  if (source.kind === 'generated') {
    return generateTrace({ ...source, seed, listeners: plan.listeners.map(({ name }) => name) })
  }
  const { file } = source
  const read = await readTrace(file)
  if (typeof read === 'string')
    return { exitCode: EXIT_NO_INPUT, problem: cannotRead(file, read, fileSources) }
  const { malformed, trace } = read
  const { count, firstLine, problem } = malformed
  const text = `${count} ${count === 1 ? 'line is no access line' : 'lines are no access lines'}; the first is line ${firstLine}: ${problem}`
  if (trace.count === 0) {
    const why = count === 0 ? 'it is empty' : text
    return { exitCode: EXIT_NO_INPUT, problem: `no connections in ${shownPath(file)}: ${why}` }
  }
  if (count > 0) notes.push(text)
  return trace
}

function print({ isJson }: Options, { report }: Simulation, seed: number, notes: readonly string[]): void {
  const text = isJson
    ? `${JSON.stringify({ seed, ...report, notes }, null, 2)}\n`
    : reportText(report, [`seed ${seed}`, ...notes])
  // The reader may have what it wanted, as `head` has.
  process.stdout.on('error', () => {})
  process.stdout.write(text)
}

function saveTrace(
  { source }: Options,
  trace: Trace,
  simulation: Simulation,
  plan: SimulatedPlan,
): Failure | undefined {
  if (source.kind === 'log' || source.file === undefined) return undefined
  const error = writeTrace(source.file, trace, simulation, plan)
  return error === undefined ? undefined : { exitCode: EXIT_CANNOT_CREATE, problem: error }
}
