/** Checks lists of access rules as a whole. */
import type { AccessRule } from './access-rule.js'
import { CONDITION_WORDS, type RuleConditions } from './condition-types.js'
import type { Problems } from './problems.js'
import type { RouteSettings } from './table-route.js'
import type { SpawndSettings } from './table-spawnd.js'

type Given = Pick<SpawndSettings, 'accessDefault' | 'accessRules'>

/** Checks the lists of the section and of its listeners. */
export function checkAccess(spawnd: SpawndSettings, mayHaveRule: boolean, problems: Problems): void {
  if (!mayHaveRule) checkList(spawnd, problems)
  for (const listener of spawnd.listeners)
    if (!listener.hasMistakes && listener.portIndex === 0) checkList(listener, problems)
  checkFacts(spawnd, problems)
}

/** Reports rules about facts that children of another program do not report. Listeners with UDP have no others. */
function checkFacts({ accessRules, listeners, spawn }: SpawndSettings, problems: Problems): void {
  if (spawn.exec === undefined) return
  const ofListeners = listeners.filter(({ portIndex }) => portIndex === 0).flatMap((one) => one.accessRules)
  for (const rule of [...accessRules, ...ofListeners]) {
    if (!('conditions' in rule)) continue
    const key = (Object.keys(rule.conditions) as (keyof RuleConditions)[]).find((one) => one !== 'times')
    if (key === undefined) continue
    const what = `rules about '${CONDITION_WORDS[key]}'`
    problems.error(rule.position, `${what} are not available with children of another program ('exec')`)
  }
}

export function checkAccessOfRoutes(routes: readonly RouteSettings[], problems: Problems): void {
  for (const route of routes) {
    if (route.hasMistakes) continue
    const [first] = route.accessRules
    if (route.target.reject !== undefined && first !== undefined)
      problems.warn(first.position, "this access rule has no effect: the route has 'reject'")
    else checkList(route, problems)
  }
}

/** Warns about rules that reject all clients: without a `permit` rule the default of a list is to reject. */
function checkList({ accessDefault, accessRules: rules }: Given, problems: Problems): void {
  if (accessDefault?.value === 'permit') return
  if (accessDefault?.value === 'deny') {
    const isClosed = rules.every(({ isPermit }) => !isPermit)
    if (isClosed) problems.warn(accessDefault.position, rejects('all clients'))
    return
  }
  const ofUnix = rules.filter((rule) => 'users' in rule || 'conditions' in rule)
  const ofIp = rules.filter((rule) => !('users' in rule))
  // A rule about both kinds of clients is enough to reject those of Unix sockets, but most lists are not about these.
  const isAboutUnix = ofUnix.some((rule) => 'users' in rule) || ofUnix.length === ofIp.length
  const [isIpClosed, isUnixClosed] = [isClosed(ofIp), isAboutUnix && isClosed(ofUnix)]
  if (isIpClosed && isUnixClosed && ofIp.at(-1) === ofUnix.at(-1)) warn(ofIp, 'all clients', problems)
  else {
    if (isIpClosed) warn(ofIp, 'all IP clients', problems)
    if (isUnixClosed) warn(ofUnix, 'all clients of Unix sockets', problems)
  }
}

/** No rules at all admit everybody. */
function isClosed(rules: readonly AccessRule[]): boolean {
  return rules.length > 0 && rules.every(({ isPermit }) => !isPermit)
}

function warn(rules: readonly AccessRule[], clients: string, problems: Problems): void {
  const last = rules.at(-1)
  if (last === undefined) return
  problems.warn(last.position, rejects(clients), { hint: "to admit all others, add 'default = permit'" })
}

function rejects(clients: string): string {
  return `these access rules reject ${clients}: there is no 'permit' rule`
}
