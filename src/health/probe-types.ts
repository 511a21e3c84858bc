/** The code of each type of health check. */
import type { ProbeName } from '../base/probe-names.js'
import type { CheckOf, ProbeFinding } from './probe-checks.js'
import type { ProbeSession } from './probe-session.js'
import { probeTcp } from './types/tcp.js'

/**
 * Runs one check. Rejects with a `ProbeFailure` if the remote does not pass; anything else that it throws is an error of
 * the program.
 */
export type Probe<N extends ProbeName> = (session: ProbeSession, check: CheckOf<N>) => Promise<ProbeFinding>

/** Loaded with the first check of the type. */
const PROBES: { readonly [N in ProbeName]: () => Promise<Probe<N>> } = {
  tcp: async () => probeTcp,
  tls: async () => (await import('./types/tls.js')).probeTlsHandshake,
  http: async () => (await import('./types/http.js')).probeHttp,
  expect: async () => (await import('./types/expect.js')).probeExpect,
  redis: async () => (await import('./types/redis.js')).probeRedis,
  smtp: async () => (await import('./types/smtp.js')).probeSmtp,
  mysql: async () => (await import('./types/mysql.js')).probeMysql,
  postgres: async () => (await import('./types/postgres.js')).probePostgres,
  ldap: async () => (await import('./types/ldap.js')).probeLdap,
  mqtt: async () => (await import('./types/mqtt.js')).probeMqtt,
  exec: async () => (await import('./types/exec.js')).probeExec,
  agent: async () => (await import('./types/agent.js')).probeAgent,
}

export async function runProbe<N extends ProbeName>(
  session: ProbeSession,
  check: CheckOf<N> & { readonly type: N },
): Promise<ProbeFinding> {
  const probe = await PROBES[check.type]()
  return probe(session, check)
}
