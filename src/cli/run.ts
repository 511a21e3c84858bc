import { EXIT_OK } from '../base/exit-codes.js'
import { renderProblems } from '../config/problem-text.js'
import type { ConfigProblem } from '../config/problems.js'
import { writeLine } from '../control/log-setup.js'
import { linuxCalls } from '../kernel/linux-calls.js'
import {
  backgroundProblems,
  exitCodeFor,
  foreignFileProblems,
  hasErrors,
  lookedUpProblems,
  singleProcessProblems,
  startProblems,
} from '../plan/check.js'
import { type Loaded, type LoadOptions, loadFrom } from '../plan/load.js'
import { isChild } from '../services/handed-over.js'

/** Reads the configuration and either checks it (-P) or runs it, in the part that this process has. */
export async function runConfiguration(options: LoadOptions): Promise<void> {
  const child = isChild(linuxCalls())
  const loaded = await loadFrom({ ...options, isChild: child })
  const { isCheckOnly } = options.arguments
  const hasChildren = !child && !options.arguments.isSingleProcess && !loaded.spawnd.singleProcess
  const problems = [
    ...loaded.problems,
    ...backgroundProblems(loaded, options.arguments),
    ...singleProcessProblems(loaded, options.arguments),
    ...(hasChildren ? foreignFileProblems(loaded, options.arguments) : []),
  ]
  if (isCheckOnly) {
    show(
      [
        ...problems,
        ...startProblems(loaded, hasChildren).map(asWarning),
        ...(await lookedUpProblems(loaded)),
      ],
      loaded,
    )
    process.exitCode = hasErrors(problems) ? exitCodeFor(problems) : EXIT_OK
    return
  }
  const ofHere = startProblems(loaded, hasChildren)
  const found = [...problems, ...ofHere]
  if (hasErrors(found)) {
    show(found, loaded)
    if (child) (await import('../control/run-foreign-child.js')).reportBadConfiguration()
    process.exitCode = exitCodeFor(found)
    return
  }
  const usable = { ...loaded, problems: [...loaded.problems, ...ofHere] }
  for (const [name, value] of loaded.environment) process.env[name] = value
  if (child) return (await import('../control/run-foreign-child.js')).runForeignChild(options, usable)
  if (!hasChildren) return (await import('../control/run-single.js')).runSingle(options, usable)
  return (await import('../control/run-master.js')).runMaster(options, usable)
}

/** A configuration that is right stays right when this version cannot run it. */
function asWarning(problem: ConfigProblem): ConfigProblem {
  return { ...problem, severity: 'warning' }
}

function show(problems: readonly ConfigProblem[], { sources }: Loaded): void {
  writeLine(renderProblems(problems, sources))
}
