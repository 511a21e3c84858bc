/** The names of health checks: `type` of a `health` block. Here, because config/ loads values only from base/. */
export const PROBE_NAMES = ['tcp', 'http', 'expect', 'redis', 'smtp', 'agent'] as const

export type ProbeName = (typeof PROBE_NAMES)[number]
