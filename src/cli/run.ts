import { EXIT_OK } from '../base/exit-codes.js'
import type { Position } from '../base/problem.js'
import { printable } from '../config/expectation.js'
import { renderProblems } from '../config/problem-text.js'
import { type ConfigProblem, problemLine } from '../config/problems.js'
import { wantsBackground } from '../control/process/background.js'
import { openSystemLog, writeText } from '../control/process/log-setup.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import { ERR, WARNING } from '../observe/severity.js'
import { bindWarnings } from '../plan/check/bind-warnings.js'
import { exitCodeFor, hasErrors, headProblems, lookedUpProblems, startProblems } from '../plan/check/check.js'
import { limitProblems } from '../plan/check/limit-problems.js'
import { prepareMachine } from '../plan/check/machine.js'
import { routeTestProblems } from '../plan/check/route-tests.js'
import { headLog } from '../plan/compile/worker-plans.js'
import { type Loaded, type LoadOptions, loadFrom } from '../plan/load/load.js'
import { isChild } from '../services/handed-over.js'
import { loadAdmin } from './load-admin.js'
import { writeTo } from './write-to.js'

/**
 * Reads the configuration, and either checks it (-P) or runs this process as a single process, a master or
 * the child of a classic master.
 */
export async function runConfiguration(options: LoadOptions): Promise<void> {
  const child = isChild(linuxCalls())
  const loaded = await loadFrom({ ...options, isChild: child })
  const hasChildren = !child && !options.arguments.isSingleProcess && !loaded.spawnd.singleProcess
  // A child of a foreign master does not know its listeners; `-P` runs the tests of its configuration.
  const ofTests = child || hasErrors(loaded.problems) ? [] : routeTestProblems(loaded)
  const ofHere = [...startProblems(loaded, hasChildren), ...ofTests]
  const ofStart = child ? [] : headProblems(loaded, options.arguments, hasChildren)
  const found = [...loaded.problems, ...ofStart, ...ofHere]
  if (options.arguments.isCheckOnly) return check(options, loaded, found, hasChildren)
  if (hasErrors(found)) {
    show(found, loaded)
    // stderr may be lost: a classic master in the background has opened /dev/null there.
    if (child || wantsBackground(loaded, options)) report(found, loaded, options)
    if (child) (await import('../control/run-foreign-child.js')).reportBadConfiguration()
    process.exitCode = exitCodeFor(found)
    return
  }
  const usable = { ...loaded, problems: [...loaded.problems, ...ofHere] }
  // `setenv`: before anything starts that inherits the environment.
  for (const [name, value] of loaded.environment) process.env[name] = value
  // Imported on demand: each kind of process loads only its own code.
  if (child) return (await import('../control/run-foreign-child.js')).runForeignChild(options, usable)
  if (!hasChildren) return (await import('../control/run-single.js')).runSingle(options, usable, loadAdmin)
  return (await import('../control/run-master.js')).runMaster(options, usable, loadAdmin)
}

/**
 * With -P: prints the problems that a start would report, and warnings that need lookups. Sets the exit code
 * of a start.
 */
async function check(
  { program }: LoadOptions,
  loaded: Loaded,
  found: readonly ConfigProblem[],
  hasChildren: boolean,
): Promise<void> {
  const machine = prepareMachine(loaded.mechanism)
  const warnings = [
    ...(hasChildren ? limitProblems(loaded) : []),
    ...bindWarnings(loaded.spawnd),
    ...(await lookedUpProblems(loaded)),
  ]
  show([...found, ...warnings], loaded)
  if (loaded.others.length > 0) writeTo(1, chosenSections(loaded))
  process.exitCode = hasErrors(found) ? exitCodeFor(found) : EXIT_OK
  if (hasErrors(found) || machine === undefined) return
  writeText(`${program}: ${machine.message}\n`)
  process.exitCode = machine.exitCode
}

/** For a file with more than one section of a kind: which ones apply. */
function chosenSections({ others, sections, spawnd, tcprelay }: Loaded): string {
  const { childId, masterId } = sections
  const quoted = (id: string, { file, line }: Position) => `'${printable(id)}' (${file}:${line})`
  const chosen = [
    ...(masterId === undefined ? [] : [`master: section ${quoted(masterId, spawnd.position)}`]),
    ...(childId === undefined ? [] : [`relay: section ${quoted(childId, tcprelay.position)}`]),
  ]
  const rest = others.map(({ id, position }) => quoted(id, position))
  return `${chosen.join('; ')}; not chosen: ${rest.join(', ')}\n`
}

/** Reports to syslog, as the original does. */
function report(problems: readonly ConfigProblem[], loaded: Loaded, { programPath }: LoadOptions): void {
  const log = openSystemLog(linuxCalls(), headLog(loaded), programPath)
  for (const problem of problems) log.say(hasErrors([problem]) ? ERR : WARNING, problemLine(problem))
}

function show(problems: readonly ConfigProblem[], { sources }: Loaded): void {
  writeText(renderProblems(problems, sources))
}
