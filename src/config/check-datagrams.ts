/** Checks listeners with `protocol = UDP`, which require children of another program: ours relay streams only. */
import type { ConfigProblem, Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'

const NEEDS_OTHERS =
  "'protocol = UDP' requires children of another program: tcprelay relays TCP and SCTP only"
const NEEDS_OTHERS_HINT =
  "add 'spawn { exec = PROGRAM }' with a program that handles datagrams, and remove 'single process'"

/** Errors for UDP listeners in a configuration where this program would have to relay the datagrams itself. */
export function ownDatagramProblems({
  listeners,
}: Pick<SpawndSettings, 'listeners'>): readonly ConfigProblem[] {
  return listeners.flatMap(({ position, protocol }) => {
    if (protocol !== 'UDP') return []
    return [{ severity: 'error' as const, position, message: NEEDS_OTHERS, hint: NEEDS_OTHERS_HINT }]
  })
}

/** Whether the configuration has children of another program; the option -1 overrides it. */
export function hasOtherChildren({ singleProcess, spawn }: SpawndSettings): boolean {
  return spawn.exec !== undefined && !singleProcess
}

/** For the whole configuration; the option -1 is checked at start (`plan/check/check.ts`). */
export function checkDatagrams(spawnd: SpawndSettings, problems: Problems): void {
  if (hasOtherChildren(spawnd)) return
  for (const problem of ownDatagramProblems(spawnd)) problems.add(problem)
}
