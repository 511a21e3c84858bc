/** Checks `proxy protocol` and `proxy from` of listeners. */
import type { Network } from '../base/cidr.js'
import { hasOtherChildren } from './check-datagrams.js'
import { isUnix } from './endpoint.js'
import type { ConfigProblem, Problems } from './problems.js'
import type { ListenerSettings, SpawndSettings } from './table-spawnd.js'

const NEEDS_FROM =
  "'proxy protocol' requires 'proxy from', the networks of the proxies whose headers are used"
const NEEDS_FROM_HINT = "add 'proxy from = NETWORK, …', for example 'proxy from = 192.0.2.0/24'"

/** Errors for listeners whose headers this program would have to read itself. */
export function ownProxyProblems({ listeners }: Pick<SpawndSettings, 'listeners'>): readonly ConfigProblem[] {
  return listeners.flatMap((listener) => {
    const { bind, hasMistakes, portIndex, position, protocol, proxyFrom, proxyProtocol } = listener
    if (proxyProtocol === 'no' || portIndex > 0 || hasMistakes) return []
    if (protocol === 'SCTP') {
      const message = "'proxy protocol' cannot be used with 'protocol = SCTP': the header needs a byte stream"
      return [{ severity: 'error' as const, position, message }]
    }
    if (proxyFrom.length > 0 || isUnix(bind)) return []
    return [{ severity: 'error' as const, position, message: NEEDS_FROM, hint: NEEDS_FROM_HINT }]
  })
}

/** For the whole configuration; the option -1 is checked at start (`plan/check/check.ts`). */
export function checkProxies(spawnd: SpawndSettings, problems: Problems): void {
  const areOthers = hasOtherChildren(spawnd)
  if (!areOthers) for (const problem of ownProxyProblems(spawnd)) problems.add(problem)
  for (const listener of spawnd.listeners) {
    if (listener.portIndex > 0 || listener.hasMistakes) continue
    const [message, hint] = mistake(listener, areOthers) ?? []
    if (message !== undefined) problems.error(listener.position, message, { hint })
    else if (listener.proxyFrom.flat().some(isEverybody)) {
      const text = "'proxy from' contains all addresses: every client can claim to have any address"
      problems.warn(listener.position, text)
    }
  }
}

/** `0.0.0.0/0`, which is a network of IPv4-mapped addresses, or `::/0`. */
function isEverybody({ bytes, prefixBits }: Network): boolean {
  return prefixBits === 0 || (prefixBits === 96 && bytes[10] === 0xff && bytes[11] === 0xff)
}

function mistake(
  { bind, proxyFrom, proxyProtocol }: ListenerSettings,
  areOthers: boolean,
): readonly [message: string, hint?: string] | undefined {
  const hasFrom = proxyFrom.length > 0
  if (hasFrom && proxyProtocol === 'no') {
    return [
      "'proxy from' has no effect without 'proxy protocol'",
      "add 'proxy protocol = yes', or 'optional'",
    ]
  }
  if (hasFrom && isUnix(bind)) {
    return [
      "'proxy from' is about IP addresses, and peers of a Unix socket have none",
      "'mode' of the listener and 'permit user' decide who can connect",
    ]
  }
  if (proxyProtocol === 'optional' && areOthers) {
    return [
      "'proxy protocol = optional' requires children of this program",
      "other programs learn 'yes' or 'no' only",
    ]
  }
  return undefined
}
