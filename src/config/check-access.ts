/** Checks of access rules as a whole. */
import type { AccessRule } from './access-rule.js'
import type { Problems } from './problems.js'
import type { SpawndSettings } from './table-spawnd.js'

type Given = Pick<SpawndSettings, 'accessDefault' | 'accessRules'>

/** Warns about access rules that reject all clients: without a `permit` rule the default of the list is to reject. */
export function checkAccess({ accessDefault, accessRules: rules }: Given, problems: Problems): void {
  if (accessDefault?.value === 'permit') return
  if (accessDefault?.value === 'deny') {
    const isClosed = rules.every(({ isPermit }) => !isPermit)
    if (isClosed) problems.warn(accessDefault.position, rejects('all clients'))
    return
  }
  const ofNetworks = rules.filter((rule) => !('users' in rule))
  const ofUsers = rules.filter((rule) => 'users' in rule)
  warnIfClosed(ofNetworks, 'all IP clients', problems)
  warnIfClosed(ofUsers, 'all clients of Unix sockets', problems)
}

function warnIfClosed(rules: readonly AccessRule[], clients: string, problems: Problems): void {
  // No rules at all admit everybody.
  const last = rules.at(-1)
  if (last === undefined || rules.some(({ isPermit }) => isPermit)) return
  problems.warn(last.position, rejects(clients), { hint: "to admit all others, add 'default = permit'" })
}

function rejects(clients: string): string {
  return `these access rules reject ${clients}: there is no 'permit' rule`
}
