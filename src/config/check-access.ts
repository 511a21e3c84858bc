import { type AccessRule, EVERYBODY } from './access-rule.js'
import type { Problems } from './problems.js'

/** Warns about access rules that refuse everybody: none of them permits, and a list in which no rule applies rejects. */
export function checkAccess(rules: readonly AccessRule[], problems: Problems): void {
  const hasNetworks = (rule: AccessRule) => 'networks' in rule
  const ofNetworks = rules.filter(hasNetworks)
  const ofUsers = rules.filter((rule) => !hasNetworks(rule))
  warnIfClosed(ofNetworks, 'all IP clients', `permit = ${EVERYBODY}`, problems)
  warnIfClosed(ofUsers, 'all clients of Unix sockets', 'permit user = NAME', problems)
}

function warnIfClosed(rules: readonly AccessRule[], whom: string, missing: string, problems: Problems): void {
  const last = rules.at(-1)
  if (last === undefined || rules.some(({ isPermit }) => isPermit)) return
  const hint = `to permit others, add '${missing}' behind it`
  problems.warn(last.position, `these access rules refuse ${whom}: none of them permits any`, { hint })
}
