/** Loads the networks of the countries and autonomous systems that access rules name. */
import type { GeoNetworks } from '../../admission/geo-networks.js'
import type { AccessRule } from '../../config/access-rule.js'
import { shownPath } from '../../config/expectation.js'
import type { Configuration } from '../../config/load.js'
import { type ConfigProblem, Problems } from '../../config/problems.js'
import { cannotRead, type Sources } from '../../config/sources.js'
import { readGeoDatabase } from './geo-database.js'
import { listsOfRules } from './lists-of-rules.js'

type Configured = Pick<Configuration, 'spawnd' | 'tcprelay'>

export interface LoadedGeo {
  /** By file, what rules name of it; empty if they name nothing. */
  readonly files: ReadonlyMap<string, GeoNetworks>
  /** Of all files. */
  readonly networks: GeoNetworks
}

export const NO_GEO: LoadedGeo = { files: new Map(), networks: new Map() }

/** Reads the files only if rules name a country or an autonomous system. */
export function loadGeo(
  configured: Configured,
  sources: Sources,
): LoadedGeo & { readonly problems: readonly ConfigProblem[] } {
  const problems = new Problems()
  const wanted = wantedOrigins(configured)
  const files = new Map<string, GeoNetworks>()
  if (wanted.size === 0) return { ...NO_GEO, problems: [] }
  for (const { position, value } of geoFiles(configured)) {
    if (files.has(value)) continue
    const found = geoNetworksOf(value, wanted, sources)
    if (typeof found === 'string') problems.error(position, found)
    files.set(value, typeof found === 'string' ? new Map() : found)
  }
  const networks = joined(files.values())
  if (problems.sorted().length === 0) checkOrigins(configured, files.size, networks, problems)
  return { files, networks, problems: problems.sorted() }
}

/** A string is an error message. */
export function geoNetworksOf(
  path: string,
  wanted: ReadonlySet<string>,
  sources: Sources,
): GeoNetworks | string {
  const answer = sources.read(path)
  if (!answer.ok) return cannotRead(path, answer.code, sources)
  try {
    return readGeoDatabase(Buffer.from(answer.bytes), wanted)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return `${shownPath(path)} is not a database in the format MMDB: ${why}`
  }
}

export function wantedOrigins(configured: Configured): ReadonlySet<string> {
  return new Set(listsOfRules(configured).flatMap(({ accessRules }) => accessRules.flatMap(originsOf)))
}

/** Several files may know networks of the same country. */
export function joined(files: Iterable<GeoNetworks>): GeoNetworks {
  const all = new Map<string, Uint8Array>()
  for (const networks of files)
    for (const [origin, bounds] of networks) {
      const before = all.get(origin)
      all.set(origin, before === undefined ? bounds : Buffer.concat([before, bounds]))
    }
  return all
}

function geoFiles({ spawnd, tcprelay }: Configured) {
  return [...spawnd.geoFiles, ...tcprelay.geoFiles]
}

/** An error for a rule without a file, a warning for one that no client matches. */
function checkOrigins(
  configured: Configured,
  fileCount: number,
  networks: GeoNetworks,
  problems: Problems,
): void {
  for (const { accessRules } of listsOfRules(configured))
    for (const rule of accessRules) {
      if (!('origins' in rule)) continue
      const unknown = rule.origins.filter((origin) => !networks.has(origin))
      if (fileCount === 0)
        problems.error(
          rule.position,
          "rules about countries and ASNs need a 'geo file', which has their networks",
        )
      else if (unknown.length > 0)
        problems.warn(
          rule.position,
          `no 'geo file' has networks of ${unknown.join(', ')}: no client is from there`,
        )
    }
}

function originsOf(rule: AccessRule): readonly string[] {
  return 'origins' in rule ? rule.origins : []
}
