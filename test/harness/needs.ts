import { spawnSync } from 'node:child_process'
import type { TestContext } from 'node:test'
import { TCPRELAY } from './program.js'

/**
 * Returns whether all of these programs are installed. If not, the test is skipped with the reason, or fails
 * if TCPRELAY_REQUIRE_PEERS is set: `if (!needs(t, 'nginx', 'curl')) return`.
 */
export function needs(t: TestContext, ...programs: readonly string[]): boolean {
  const missing = programs.filter((program) => spawnSync('which', [program]).status !== 0)
  if (missing.length === 0) return true
  const reason = `not installed: ${missing.join(', ')}`
  if (process.env.TCPRELAY_REQUIRE_PEERS) throw new Error(reason)
  t.skip(reason)
  return false
}

/** Words that start a program as that user and group, with no others. */
export function asUser(uid: number): string[] {
  return ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups']
}

/** Can the test become that user, and can that user run this checkout? If not, skips the test with the reason. */
export function canBecome(t: TestContext, uid: number): boolean {
  if (!needs(t, 'setpriv')) return false
  const [file = '', ...words] = [...asUser(uid), process.execPath, TCPRELAY, '-v']
  if (process.getuid?.() === 0 && spawnSync(file, words).status === 0) return true
  t.skip('needs root, and a checkout that all users can read')
  return false
}
