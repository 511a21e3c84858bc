/** Compiles access rules, with `default` as the last one. */
import { type AccessTable, compileAccess } from '../../admission/access-list.js'
import type { IdentityRule } from '../../admission/identity-list.js'
import { parseNetwork } from '../../base/cidr.js'
import type { SpawndSettings } from '../../config/table-spawnd.js'
import type { AdmissionPlan } from '../../engine/plan.js'

type Given = Pick<SpawndSettings, 'accessDefault' | 'accessRules'>

const ALL = [parseNetwork('::/0')].filter((network) => network !== undefined)

/** Network rules are compiled; rules for clients of Unix sockets are few, and evaluated one by one. */
export function admissionPlan(given: Given): AdmissionPlan {
  const rules = given.accessRules.flatMap((rule): readonly IdentityRule[] => {
    if (!('users' in rule)) return []
    const { groups, isNegated, isPermit, position, users } = rule
    return [{ groups, isNegated, isPermit, position, users }]
  })
  const last = lastRule(given, rules.length)
  return {
    accessTable: accessTableOf(given),
    // The negation of nobody.
    identityRules:
      last === undefined ? rules : [...rules, { ...last, isNegated: true, users: [], groups: [] }],
  }
}

/** Also called when a file of rules has changed. */
export function accessTableOf(given: Given): AccessTable {
  const rules = given.accessRules.filter((rule) => 'networks' in rule || 'file' in rule)
  const last = lastRule(given, rules.length)
  return compileAccess(last === undefined ? rules : [...rules, { ...last, isNegated: false, networks: ALL }])
}

/** `default` as a rule for all clients of a kind with so many rules. */
function lastRule({ accessDefault }: Given, ruleCount: number) {
  if (accessDefault === undefined) return undefined
  const { position, value } = accessDefault
  const isPermit = value === 'permit'
  // Without rules all are admitted anyway, and a list would ask the kernel for the credentials of clients.
  return isPermit && ruleCount === 0 ? undefined : { isPermit, position }
}
