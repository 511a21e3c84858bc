/** Checks that each health check has what its type needs, and nothing that only others have. */
import { PROBE_NAMES, type ProbeName } from '../base/probe-names.js'
import { orList } from './expectation.js'
import { lackOf } from './health-lacks.js'
import { checkTlsMode } from './health-tls.js'
import { mergedHealth } from './merged-health.js'
import type { Problems } from './problems.js'
import type { Row } from './row.js'
import { type HealthSettings, ROWS_OF_TYPE } from './table-health.js'
import type { PoolSettings } from './table-pool.js'
import type { RemoteBlockSettings } from './table-remote.js'
import type { TcprelaySettings } from './table-tcprelay.js'
import { TLS_OFF } from './tls-mode.js'

export function checkHealth({ pools }: Pick<TcprelaySettings, 'pools'>, problems: Problems): void {
  // The block of the section belongs to several pools, and that of a pool to several remotes.
  const reported = new Set<HealthSettings>()
  for (const pool of pools) for (const remote of pool.remotes) checkRemote(remote, pool, reported, problems)
}

function checkRemote(
  remote: RemoteBlockSettings,
  pool: PoolSettings,
  reported: Set<HealthSettings>,
  problems: Problems,
): void {
  const { health: own, ports, sctp } = remote
  const health = mergedHealth(own, pool.health)
  if (health === undefined || health.type === 'none') return
  const type = health.type ?? 'tcp'
  // With a type of its own the remote needs no directives of the pool.
  const relevant = own?.type === undefined ? [own, pool.health] : [own]
  for (const given of relevant) {
    if (given === undefined || reported.has(given)) continue
    const [other] = directivesOfOthers(given, type)
    if (other === undefined) continue
    reported.add(given)
    const types = orList(PROBE_NAMES.filter((name) => name !== type && other.key in ROWS_OF_TYPE[name]))
    const text = `'${other.spelling}' belongs to health checks of the type ${types}, and this one has 'type = ${type}'`
    problems.error(given.position, text)
  }
  const position = own?.position ?? remote.position
  const isTls = checkTlsMode(health, { tls: remote.tls ?? TLS_OFF }) !== 'none'
  // In a type that has no such directive it has been reported.
  if (health.serverName !== undefined && 'serverName' in ROWS_OF_TYPE[type] && !isTls)
    problems.error(health.serverName.position, "'server name' needs TLS, and this health check is without", {
      hint: "add 'tls = yes' to the 'health' block",
    })
  const lack = lackOf(health, type)
  if (lack !== undefined) problems.error(position, lack.text, { hint: lack.hint })
  if (ports === 'same' && health.port === undefined)
    problems.error(position, "the health check of a remote with 'port = same' needs a port", {
      hint: "add 'health = { port = PORT }' to the remote or to its pool",
    })
  if (sctp !== undefined && health.port === undefined)
    problems.error(position, 'health checks connect over TCP, and this remote speaks SCTP', {
      hint: "add 'health = { port = PORT }' with a TCP port of its host, or 'health = { type = none }'",
    })
}

/** Directives in the block that the type does not have. */
function directivesOfOthers(given: HealthSettings, type: ProbeName) {
  return PROBE_NAMES.flatMap((name) =>
    Object.entries<Row>(ROWS_OF_TYPE[name])
      .filter(([key]) => !(key in ROWS_OF_TYPE[type]) && given[key as keyof HealthSettings] !== undefined)
      .map(([key, { spellings }]) => ({ key, spelling: spellings.join("' or '") })),
  )
}
