/** Slots for the members that discovery will find: copies of the remote that describes them, each with an index of its own. */

import type { Configuration } from '../../config/load.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'
import type { LoadedTls } from './tls-loading.js'

interface Loaded extends Configuration {
  readonly tls: Omit<LoadedTls, 'problems'>
}

/** After all checks, which look at one copy. */
export function withMemberSlots<L extends Loaded>(loaded: L): L {
  const { tcprelay, tls } = loaded
  const { pools, remotes } = tcprelay
  if (pools.every(({ discover }) => discover === undefined)) return loaded
  const copies = remotes.flatMap((remote, index) =>
    copiesOf(remote, pools[remote.pool]?.discover?.slots ?? 1).map((copy) => ({ copy, index })),
  )
  const ofCopies = <T>(list: readonly T[]) => copies.map(({ index }) => list[index] as T)
  return {
    ...loaded,
    tcprelay: { ...tcprelay, remotes: copies.map(({ copy }) => copy) },
    tls: {
      ...tls,
      probes: ofCopies(tls.probes),
      settings: { ...tls.settings, remotes: ofCopies(tls.settings.remotes) },
    },
  }
}

function copiesOf(remote: RemoteSettings, slots: number): readonly RemoteSettings[] {
  if (remote.target.kind !== 'discovered') return [remote]
  return Array.from({ length: slots }, (_, index) => ({
    ...remote,
    target: { kind: 'discovered', index } as const,
  }))
}
