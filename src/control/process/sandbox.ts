/** Puts a process that relays into its sandbox: no_new_privs, Landlock, a filter of system calls. */
import type { SandboxMode } from '../../engine/plan.js'
import { callFilter } from '../../kernel/call-filter.js'
import { errorText } from '../../kernel/errno.js'
import type { WritablePaths } from '../../kernel/landlock.js'
import type { Outcome } from '../../kernel/outcome.js'
import type { SandboxCalls } from '../../kernel/sandbox-calls.js'
import { NOTICE } from '../../observe/severity.js'
import type { Say } from '../../observe/trace.js'
import { sandboxObstacle } from '../../plan/compile/sandbox-plan.js'
import type { Loaded } from '../../plan/load/load.js'
import { openStderr } from './log-setup.js'

export interface SandboxNeeds {
  readonly mode: SandboxMode
  /** Families of the sockets that the process creates (AF_*). */
  readonly families: readonly number[]
  /** Where it writes; undefined: it uses no files. */
  readonly writable: WritablePaths | undefined
}

/** Logs once what the sandbox of this configuration lacks on this machine. `isHead`: this process itself enters it. */
export function reportSandbox(calls: SandboxCalls, loaded: Loaded, isHead: boolean, say: Say): void {
  const mode = loaded.tcprelay.sandbox
  const obstacle = sandboxObstacle(loaded, isHead)
  if (mode !== 'no' && obstacle !== undefined)
    say(NOTICE, `sandbox: off, because ${obstacle} needs programs or files that it forbids`)
  else for (const text of sandboxLacks(calls, mode)) say(NOTICE, text)
}

/** What this kernel lacks for the sandbox, as texts for the log. */
export function sandboxLacks(calls: SandboxCalls, mode: SandboxMode): readonly string[] {
  if (mode === 'no') return []
  const filter = calls.filterSupport()
  const landlock = calls.landlockVersion()
  const noFilter = 'sandbox: the kernel has no filters of system calls (seccomp), so they are not restricted'
  const noLandlock =
    'sandbox: the kernel has no Landlock, so only the filter of system calls restricts access to files'
  return [
    ...(filter < 0 ? [`${noFilter}: ${errorText(-filter)}`] : []),
    // `log` does not use it.
    ...(landlock < 0 && mode === 'yes' ? [`${noLandlock}: ${errorText(-landlock)}`] : []),
  ]
}

/** Whether threads of the process enter a Landlock domain: it cannot only log. */
export function usesLandlock(calls: SandboxCalls, mode: SandboxMode): boolean {
  return mode === 'yes' && calls.landlockVersion() > 0
}

/**
 * Restricts this thread by Landlock and all threads by the filter, as far as the kernel can. Called when everything that
 * the process needs has been opened and loaded. Returns an error message; then the process must not go on.
 */
export function enterSandbox(
  calls: SandboxCalls,
  { families, mode, writable }: SandboxNeeds,
): string | undefined {
  if (mode === 'no') return undefined
  // ICU reads the time zone at the first use, and keeps it.
  new Date(0).getTimezoneOffset()
  // Opened anew, so that writing does not block.
  openStderr()
  const filter = callFilter({
    pid: process.pid,
    families,
    hasFiles: writable !== undefined,
    isLogOnly: mode === 'log',
  })
  const steps: readonly (readonly [name: string, isUsed: boolean, step: () => Outcome])[] = [
    ['no_new_privs', true, () => calls.setNoNewPrivileges()],
    ['Landlock', usesLandlock(calls, mode), () => calls.restrictFiles(writable)],
    ['seccomp', calls.filterSupport() >= 0, () => calls.filterCalls(filter)],
  ]
  for (const [name, isUsed, step] of steps) {
    const outcome = isUsed ? step() : 0
    if (outcome === 0) continue
    const why = outcome < 0 ? errorText(-outcome) : `thread ${outcome} has another filter`
    return `cannot enter the sandbox: ${name}: ${why}; 'sandbox = no' disables it`
  }
  return undefined
}
