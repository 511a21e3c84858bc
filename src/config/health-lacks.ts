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
  expect: ({ steps }) =>
    steps === undefined
      ? {
          text: "a health check of the type 'expect' has nothing to do",
          hint: "add 'send = TEXT' and 'expect = TEXT'",
        }
      : undefined,
  redis: ({ password, user }) =>
    user !== undefined && password === undefined
      ? { text: 'the health check has a user and no password', hint: "add 'password = TEXT'" }
      : undefined,
  mysql: ({ role = 'any', user }) =>
    role !== 'any' && user === undefined
      ? { text: "the 'role' of a MySQL server is known only after a login", hint: "add 'user = NAME'" }
      : undefined,
  mqtt: ({ password, user }) =>
    password !== undefined && user === undefined
      ? { text: 'the health check has a password and no user', hint: "add 'user = NAME'" }
      : undefined,
  exec: ({ exec }) =>
    exec === undefined
      ? { text: "a health check of the type 'exec' needs a program", hint: "add 'exec = PATH'" }
      : undefined,
  agent: ({ port }) =>
    port === undefined
      ? { text: "a health check of the type 'agent' needs the port of the agent", hint: "add 'port = PORT'" }
      : undefined,
}

/** `health`: with the directives of the pool. */
export function lackOf(health: HealthSettings, type: ProbeName): Lack | undefined {
  return LACKS[type]?.(health)
}
