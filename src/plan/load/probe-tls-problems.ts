/** Checks that Node's own TLS takes the settings of health checks, which OpenSSL has accepted. */
import type { Position } from '../../base/problem.js'
import { type ConfigProblem, Problems } from '../../config/problems.js'
import type { ProbeTls } from '../../health/probe-tls.js'

/** `remotes`: in the order of `probes`. */
export async function probeTlsProblems(
  probes: readonly (ProbeTls | undefined)[],
  remotes: readonly { readonly position: Position }[],
): Promise<readonly ConfigProblem[]> {
  // Not loaded for nothing: TLS takes memory.
  if (probes.every((tls) => tls === undefined)) return []
  const { tlsProblem } = await import('../../health/open-tls.js')
  const problems = new Problems()
  for (const [i, tls] of probes.entries()) {
    const [problem, remote] = [tls && tlsProblem(tls), remotes[i]]
    if (problem === undefined || remote === undefined) continue
    const text = `the health check of this remote cannot use these TLS settings: ${problem}`
    problems.error(remote.position, text, { hint: "check it without TLS: 'health = { type = tcp }'" })
  }
  return problems.sorted()
}
