/** The directives of a pool, and the pools of a section. */
import type { Position } from '../base/problem.js'
import { allInherited, completedBlock, repeated, type SettingsOf } from './row.js'
import { type RelayingSettings, relayingRows } from './table-relaying.js'
import { type RemoteBlockSettings, remoteBlock } from './table-remote.js'

/** The pool of the remotes that are written directly in the section. */
export const DEFAULT_POOL = 'default'

const poolRows = {
  remotes: repeated('remote', remoteBlock),
  ...allInherited(relayingRows),
}

export const poolBlock = completedBlock(
  'pool',
  'Remotes that serve together. Directives that it does not have are those of the section.',
  poolRows,
  (given, { hasMistakes, name }) => ({ ...given, name, hasMistakes }),
)

export type PoolBlockSettings = SettingsOf<typeof poolBlock>

/** A pool of a section. */
export interface PoolSettings extends RelayingSettings {
  readonly name: string
  readonly position: Position
  readonly remotes: readonly RemoteBlockSettings[]
  /** What seems to be missing may only be misspelled. */
  readonly hasMistakes: boolean
}

/** The pool `default` first, if the section has remotes of its own or nothing else: no pool, no dynamic route. */
export function allPools(
  given: readonly PoolBlockSettings[],
  section: Omit<PoolSettings, 'name' | 'hasMistakes'>,
  hasDynamicRoutes: boolean,
): readonly PoolSettings[] {
  if (section.remotes.length === 0 && (given.length > 0 || hasDynamicRoutes)) return given
  return [{ ...section, name: DEFAULT_POOL, hasMistakes: false }, ...given]
}
