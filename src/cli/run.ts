import { renderProblems } from '../config/problem-text.js'
import type { ConfigProblem } from '../config/problems.js'
import { exitCodeFor, hasErrors, lookedUpProblems, startProblems } from './check.js'
import { EXIT_OK } from './exit-codes.js'
import { type Loaded, type LoadOptions, loadFrom } from './load.js'
import { hasLink, isChild, runLinkedChild } from './run-child.js'

/** Reads the configuration and either checks it (-P) or runs it. */
export async function runConfiguration(options: LoadOptions): Promise<void> {
  if (isChild() && hasLink()) return runLinkedChild(options)
  const loaded = await loadFrom(options)
  const { isCheckOnly } = options.arguments
  const found = [
    ...loaded.problems,
    ...(isCheckOnly ? await lookedUpProblems(loaded) : startProblems(loaded)),
  ]
  if (hasErrors(found) || isCheckOnly) {
    show(found, loaded)
    process.exitCode = hasErrors(found) ? exitCodeFor(found) : EXIT_OK
    return
  }
  for (const [name, value] of loaded.environment) process.env[name] = value
  if (isMaster(options, loaded)) {
    const { runMaster } = await import('./run-master.js')
    await runMaster(options, loaded)
    return
  }
  const { runSingle } = await import('./run-single.js')
  await runSingle(options, loaded)
}

/** Until the process model is complete it has to be asked for: `single process = no`. */
function isMaster({ arguments: given }: LoadOptions, { spawnd }: Loaded): boolean {
  return !given.isSingleProcess && spawnd.singleProcess === false
}

function show(problems: readonly ConfigProblem[], { sources }: Loaded): void {
  process.stderr.write(renderProblems(problems, sources))
}
