/** Checks that each `discover` block has what its type needs, and nothing that only others have. */
import { SOURCE_NAMES, type SourceName } from '../base/source-names.js'
import { discoverLack } from './discover-lacks.js'
import { orList, shown } from './expectation.js'
import type { Problems } from './problems.js'
import type { Row } from './row.js'
import { type DiscoverSettings, ROWS_OF_SOURCE } from './table-discover.js'
import type { PoolSettings } from './table-pool.js'
import type { TcprelaySettings } from './table-tcprelay.js'

/** The directives, by their keys, without which a source of the type is of no use. */
const MANDATORY: { readonly [N in SourceName]: readonly (keyof (typeof ROWS_OF_SOURCE)[N])[] } = {
  dns: ['dnsName', 'port'],
  srv: ['dnsName'],
  file: ['file'],
  http: ['url'],
  etcd: ['endpoints', 'prefix'],
  consul: ['url', 'service'],
  kubernetes: ['service'],
}

export function checkDiscovery({ pools }: Pick<TcprelaySettings, 'pools'>, problems: Problems): void {
  for (const { discover, hasMistakes, name } of pools) {
    if (discover === undefined) continue
    checkDirectives(discover, hasMistakes, problems)
    checkMember(discover, name, problems)
  }
}

function checkDirectives(given: DiscoverSettings, hasMistakes: boolean, problems: Problems): void {
  const { position, type } = given
  const values: Readonly<Record<string, unknown>> = given
  const own: Readonly<Record<string, Row>> = ROWS_OF_SOURCE[type]
  for (const { key, spelling, types } of directivesOfOthers(own)) {
    if (values[key] === undefined) continue
    problems.error(
      position,
      `'${spelling}' belongs to sources of the type ${types}, and this one has 'type = ${type}'`,
    )
  }
  const { maxIntervalMs = Number.POSITIVE_INFINITY, minIntervalMs = 0 } = given
  if (minIntervalMs > maxIntervalMs) problems.error(position, "'min interval' is above 'max interval'")
  if (hasMistakes) return
  const missing = (MANDATORY[type] as readonly string[]).filter((key) => values[key] === undefined)
  for (const key of missing) {
    const [spelling = ''] = own[key]?.spellings ?? []
    problems.error(position, `a source of the type ${type} needs the directive '${spelling}'`)
  }
  const lack = missing.length === 0 ? discoverLack(given) : undefined
  if (lack !== undefined) problems.error(position, lack.text, { hint: lack.hint })
}

/** The host in an answer is no name that a certificate could be verified with. */
function checkMember({ member }: DiscoverSettings, pool: PoolSettings['name'], problems: Problems): void {
  if (member.tls.kind === 'off' || !member.verify || member.serverName !== undefined) return
  if (member.pskFile !== undefined) return
  problems.error(
    member.position,
    `the members of the pool ${shown(pool)} need a 'server name', which their certificates are verified with`,
  )
}

/** Directives that are not among these, with the types that have them. */
function directivesOfOthers(own: Readonly<Record<string, Row>>) {
  const all = new Map<string, Row>(SOURCE_NAMES.flatMap((name) => Object.entries<Row>(ROWS_OF_SOURCE[name])))
  return [...all].flatMap(([key, { spellings }]) => {
    if (key in own) return []
    const types = orList(SOURCE_NAMES.filter((name) => key in ROWS_OF_SOURCE[name]))
    return [{ key, spelling: spellings.join("' or '"), types }]
  })
}
