/** The options of each type of health check, from directives. */
import type { SocketAddress } from '../../base/address.js'
import type { ByteString } from '../../base/byte-string.js'
import type { ProbeName } from '../../base/probe-names.js'
import type { HealthSettings } from '../../config/table-health.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'
import type { CheckOf, DatabaseRole, HttpCheck } from '../../health/probe-checks.js'

/** 14 days leave time to renew a certificate by hand. Automatic renewal is earlier. */
const EXPIRES_WITHIN_MS = 14 * 86_400_000
/** They are in each server, so that it logs no errors because of a check. */
const DATABASE_USER = 'postgres'
const DATABASE = 'postgres'
const STATUSES = [{ first: 200, last: 399 }]
/** Servers and clients leave the ports of `http` and `https` away. */
const USUAL_PORTS: readonly (number | undefined)[] = [80, 443, undefined]

/** What a check is compiled from. */
export interface Checked {
  readonly health: HealthSettings
  readonly remote: RemoteSettings
  /** That is checked; undefined: it is a Unix socket. */
  readonly port: number | undefined
}

/** By type. */
export const CHECKS: { readonly [N in ProbeName]: (checked: Checked) => CheckOf<N> } = {
  tcp: () => ({ type: 'tcp' }),
  tls: ({ health }) => ({ type: 'tls', expiresWithinMs: health.expiresWithinMs ?? EXPIRES_WITHIN_MS }),
  http: httpCheck,
  expect: ({ health: { steps = [] } }) => ({ type: 'expect', steps }),
  redis: ({ health: { password, role = 'any', user } }) => ({
    type: 'redis',
    user,
    password,
    role: role === 'primary' ? 'master' : role,
  }),
  smtp: ({ health: { helo } }) => ({ type: 'smtp', helo }),
  mysql: ({ health: { role, user } }) => ({ type: 'mysql', user, role: databaseRole(role) }),
  postgres: ({ health: { database = DATABASE, role, user = DATABASE_USER } }) => ({
    type: 'postgres',
    user,
    database,
    role: databaseRole(role),
  }),
  ldap: ({ health: { results = [0] } }) => ({ type: 'ldap', results }),
  mqtt: ({ health: { clientId, password, user } }) => ({ type: 'mqtt', clientId, user, password }),
  exec: ({ health: { exec } }) => ({ type: 'exec', path: exec?.path ?? '', words: exec?.words ?? [] }),
  agent: ({ health: { agentSend = '' } }) => ({ type: 'agent', request: agentSend }),
}

function databaseRole(role: HealthSettings['role']): DatabaseRole {
  return role === 'master' ? 'primary' : (role ?? 'any')
}

function httpCheck(checked: Checked): HttpCheck {
  const { body, method = 'GET', statuses = STATUSES } = checked.health
  return { type: 'http', request: requestOf(checked), isHead: method === 'HEAD', statuses, body }
}

function requestOf({ health, port, remote }: Checked): ByteString {
  const { headers = [], host = hostOf(remote, port), method = 'GET', path = '/' } = health
  const hasAgent = headers.some((header) => /^user-agent:/i.test(header))
  const own = [`Host: ${host}`, 'Connection: close', ...(hasAgent ? [] : ['User-Agent: tcprelay'])]
  return [`${method} ${path} HTTP/1.1`, ...own, ...headers, '', ''].join('\r\n')
}

function hostOf({ target }: RemoteSettings, port: number | undefined): string {
  // The members of a pool have one check, with one request.
  if (target.kind === 'discovered') return 'localhost'
  const host = target.kind === 'name' ? target.host : literalOf(target.address)
  return USUAL_PORTS.includes(port) ? host : `${host}:${port}`
}

/** Without the scope, which has no meaning for the server. */
function literalOf(address: SocketAddress): string {
  if (address.family === 'unix') return 'localhost'
  return address.family === 'ipv6' ? `[${address.host}]` : address.host
}
