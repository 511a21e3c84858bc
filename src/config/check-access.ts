import { type AccessRule, ALL_NETWORKS } from './access-rule.js'
import type { Problems } from './problems.js'

/** Warns about access rules that reject all clients: without a `permit` rule the default of the list is to reject. */
export function checkAccess(rules: readonly AccessRule[], problems: Problems): void {
  const hasNetworks = (rule: AccessRule) => 'networks' in rule
  const ofNetworks = rules.filter(hasNetworks)
  const ofUsers = rules.filter((rule) => !hasNetworks(rule))
  warnIfClosed(ofNetworks, 'all IP clients', `permit = ${ALL_NETWORKS}`, problems)
  warnIfClosed(ofUsers, 'all clients of Unix sockets', 'permit user = NAME', problems)
}

function warnIfClosed(
  rules: readonly AccessRule[],
  clients: string,
  missing: string,
  problems: Problems,
): void {
  // No rules at all admit everybody.
  const last = rules.at(-1)
  if (last === undefined || rules.some(({ isPermit }) => isPermit)) return
  const hint = `to admit all others, add '${missing}' after it`
  problems.warn(last.position, `these access rules reject ${clients}: there is no 'permit' rule`, { hint })
}
