import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'

/**
 * Says whether every one of these programs is installed. If not, the test is skipped with the reason, or fails
 * where TCPRELAY_REQUIRE_PEERS is set: `if (!needs(t, 'nginx', 'curl')) return`.
 */
export function needs(t: TestContext, ...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (missing.length === 0) return true
  const reason = `not installed: ${missing.join(', ')}`
  if (process.env.TCPRELAY_REQUIRE_PEERS) throw new Error(reason)
  t.skip(reason)
  return false
}
