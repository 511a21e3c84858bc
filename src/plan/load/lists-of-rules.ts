/** All lists of access rules of a configuration. */
import type { AccessRule } from '../../config/access-rule.js'
import type { Configuration } from '../../config/load.js'

export function listsOfRules({
  spawnd,
  tcprelay,
}: Pick<Configuration, 'spawnd' | 'tcprelay'>): readonly { readonly accessRules: readonly AccessRule[] }[] {
  return [spawnd, ...firstPorts(spawnd.listeners), ...tcprelay.routes]
}

/** The ports of a block have the same rules. */
export function firstPorts<L extends { readonly portIndex: number }>(listeners: readonly L[]): readonly L[] {
  return listeners.filter(({ portIndex }) => portIndex === 0)
}
