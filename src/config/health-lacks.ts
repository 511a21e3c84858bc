/** What single types of health checks need besides directives of their own. */
import type { ProbeName } from '../base/probe-names.js'
import type { HealthSettings } from './table-health.js'

export interface Lack {
  readonly text: string
  readonly hint: string
}

const LACKS: { readonly [N in ProbeName]?: (health: HealthSettings) => Lack | undefined } = {
  http: ({ body, method }) =>
    method === 'HEAD' && body !== undefined
      ? { text: "the response to HEAD has no body for 'expect body'", hint: "write 'method = GET'" }
      : undefined,
}

/** `health`: with the directives of the pool. */
export function lackOf(health: HealthSettings, type: ProbeName): Lack | undefined {
  return LACKS[type]?.(health)
}
