/** The health check `tcp`: the remote accepts a connection. */
import type { ProbeFinding } from '../probe-checks.js'
import type { ProbeSession } from '../probe-session.js'

export async function probeTcp(session: ProbeSession): Promise<ProbeFinding> {
  await session.connect()
  return { text: '' }
}
