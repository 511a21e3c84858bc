/** The options of sessions: those of a pool, and what a listener overrides. */
import { type HostAddress, withPort } from '../../base/address.js'
import type { LimitSettings } from '../../config/table-limit.js'
import type { OverrideSettings } from '../../config/table-overrides.js'
import type { RelayingSettings } from '../../config/table-relaying.js'
import type { ListenerSettings } from '../../config/table-spawnd.js'
import type { SessionOverrides, SessionPlan } from '../../engine/plan.js'
import { SPLICE_POLICIES } from '../../relay/transfer/splice-policies.js'
import { endless } from '../load/endless.js'
import { definedOf } from './defined-of.js'
import { sessionLimits } from './session-limits.js'
import { keepAliveOf, localPorts } from './socket-settings.js'

/** `limits`: of the section and of the pool. */
export function sessionPlan(settings: RelayingSettings, limits: readonly LimitSettings[]): SessionPlan {
  const { connectTimeoutMs, queue } = settings
  return {
    connectTimeoutMs: endless(connectTimeoutMs),
    queueTimeoutMs: endless(queue?.queueTimeoutMs ?? connectTimeoutMs),
    dialTimeoutMs: endless(settings.dialTimeoutMs),
    dialRetries: settings.dialRetries,
    attemptsMax: endless(settings.attemptsMax),
    idleTimeoutMs: endless(settings.idleTimeoutMs),
    halfCloseTimeoutMs: endless(settings.halfCloseTimeoutMs),
    keepAlive: keepAliveOf(settings),
    splice: SPLICE_POLICIES[settings.splice],
    limits: sessionLimits(limits),
    localAddress: sourceOf(settings),
    localPorts: localPorts(settings),
  }
}

/** Undefined: the listener overrides nothing. */
export function sessionOverrides(
  settings: OverrideSettings & Pick<ListenerSettings, 'limits'>,
): SessionOverrides | undefined {
  const { localPortRange, splice } = settings
  const given = definedOf({
    connectTimeoutMs: endless(settings.connectTimeoutMs),
    dialTimeoutMs: endless(settings.dialTimeoutMs),
    dialRetries: settings.dialRetries,
    attemptsMax: endless(settings.attemptsMax),
    idleTimeoutMs: endless(settings.idleTimeoutMs),
    halfCloseTimeoutMs: endless(settings.halfCloseTimeoutMs),
    splice: splice && SPLICE_POLICIES[splice],
    localAddress: sourceOf(settings),
    localPorts: localPortRange && localPorts({ localPortRange }),
    limits: sessionLimits(settings.limits),
  })
  return Object.keys(given).length === 0 ? undefined : given
}

/** The kernel chooses the port. */
function sourceOf({
  localAddress,
}: Pick<OverrideSettings, 'localAddress'>): HostAddress | 'client' | undefined {
  return localAddress === 'client' ? localAddress : localAddress && withPort(localAddress, 0)
}
