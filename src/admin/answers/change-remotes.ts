/** Changes of remotes by administrators: their admin states and weights. */
import type { AdminState } from '../../balance/remote-health.js'
import type { RunningHead } from '../../control/head.js'
import type { ChangedRemotes } from '../operations/answers.js'
import { type KnownRemote, remotesNamed } from './known-remotes.js'
import { Refused } from './refused.js'

type Overrides = RunningHead['reloader']['services']['overrides']

export function setAdminState(head: RunningHead, name: string, state: AdminState): ChangedRemotes {
  return change(head, name, (overrides, { key }) => overrides.setAdminState(key, state))
}

/** `weight`: undefined for that of the configuration. */
export function setWeight(head: RunningHead, name: string, weight: number | undefined): ChangedRemotes {
  return change(head, name, (overrides, { configuredWeight, key }) => {
    overrides.setWeight(
      key,
      weight === undefined ? undefined : { value: weight, insteadOf: configuredWeight },
    )
  })
}

function change(
  head: RunningHead,
  name: string,
  apply: (overrides: Overrides, remote: KnownRemote) => void,
): ChangedRemotes {
  const { services } = head.reloader
  const keys = new Set<string>()
  for (const remote of remotesNamed(head, name)) {
    if (remote.isDynamic) throw new Refused(409, `'${name}' stands for the hosts of a dynamic route`)
    apply(services.overrides, remote)
    keys.add(remote.key)
  }
  for (const key of keys) services.followOverride(key)
  const changed = remotesNamed(head, name).map(({ adminState, name, pool, sessions, weight }) => {
    return { pool, name, state: adminState, weight, sessions }
  })
  return { remotes: changed }
}
