import { renderProblems } from '../config/problem-text.js'
import type { ConfigProblem } from '../config/problems.js'
import { exitCodeFor, hasErrors, lookedUpProblems, startProblems } from './check.js'
import { EXIT_OK } from './exit-codes.js'
import { type Loaded, type LoadOptions, loadFrom } from './load.js'

/** Reads the configuration and either checks it (-P) or runs it. */
export async function runConfiguration(options: LoadOptions): Promise<void> {
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
  const { runSingle } = await import('./run-single.js')
  await runSingle(options, loaded)
}

function show(problems: readonly ConfigProblem[], { sources }: Loaded): void {
  process.stderr.write(renderProblems(problems, sources))
}
