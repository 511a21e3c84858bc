/** A kernel that records what it is asked to restrict, and restricts nothing. */
import type { SandboxCalls } from '../../src/kernel/sandbox-calls.js'

export interface FakeSandbox {
  /** The steps so far, in their order. */
  readonly asked: readonly string[]
  readonly calls: SandboxCalls
}

export function fakeSandbox(given: Partial<SandboxCalls> = {}): FakeSandbox {
  const asked: string[] = []
  const step = (name: string) => () => {
    asked.push(name)
    return 0
  }
  const calls: SandboxCalls = {
    landlockVersion: () => 7,
    filterSupport: () => 0,
    setNoNewPrivileges: step('no_new_privs'),
    restrictFiles: step('landlock'),
    filterCalls: step('seccomp'),
    ...given,
  }
  return { asked, calls }
}
