/** The directives of a pool, and the pools of a section. */
import type { Position } from '../base/problem.js'
import { allInherited, completedBlock, optionalBlock, repeated, type SettingsOf } from './row.js'
import { type DiscoverSettings, discoverBlock } from './table-discover.js'
import { type LimitSettings, limitsRow } from './table-limit.js'
import { type RelayingSettings, relayingRows } from './table-relaying.js'
import { type RemoteBlockSettings, remoteBlock } from './table-remote.js'

/** The pool of the remotes that are written directly in the section. */
export const DEFAULT_POOL = 'default'

export const discoverRow = optionalBlock('discover', discoverBlock, { isOurs: true })

const poolRows = {
  remotes: repeated('remote', remoteBlock),
  discover: discoverRow,
  limits: limitsRow,
  ...allInherited(relayingRows),
}

export const poolBlock = completedBlock(
  'pool',
  'Remotes that serve together. Directives that it does not have are those of the section.',
  poolRows,
  (given, { hasMistakes, name }) => ({ ...given, remotes: withMember(given), name, hasMistakes }),
)

export type PoolBlockSettings = SettingsOf<typeof poolBlock>

/** A pool of a section. */
export interface PoolSettings extends RelayingSettings {
  readonly name: string
  readonly position: Position
  /** The last one is the model of the members, if there is `discover`. */
  readonly remotes: readonly RemoteBlockSettings[]
  readonly discover: DiscoverSettings | undefined
  /** Those of the section are not limits of its pool `default`. */
  readonly limits: readonly LimitSettings[]
  /** What seems to be missing may only be misspelled. */
  readonly hasMistakes: boolean
}

/** The pool `default` first, if the section has remotes of its own or nothing else: no pool, no dynamic route. */
export function allPools(
  given: readonly PoolBlockSettings[],
  section: Omit<PoolSettings, 'name' | 'hasMistakes' | 'limits'>,
  hasDynamicRoutes: boolean,
): readonly PoolSettings[] {
  const remotes = withMember(section)
  if (remotes.length === 0 && (given.length > 0 || hasDynamicRoutes)) return given
  return [{ ...section, remotes, limits: [], name: DEFAULT_POOL, hasMistakes: false }, ...given]
}

function withMember({
  discover,
  remotes,
}: Pick<PoolSettings, 'discover' | 'remotes'>): readonly RemoteBlockSettings[] {
  return discover === undefined ? remotes : [...remotes, discover.member]
}
