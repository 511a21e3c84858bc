/** The names of health checks: `type` of a `health` block. Here, because config/ loads values only from base/. */
export const PROBE_NAMES = [
  'tcp',
  'tls',
  'http',
  'expect',
  'redis',
  'smtp',
  'mysql',
  'postgres',
  'ldap',
  'mqtt',
  'agent',
  'exec',
] as const

export type ProbeName = (typeof PROBE_NAMES)[number]
