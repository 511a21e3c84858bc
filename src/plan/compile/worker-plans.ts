/** The part of a plan for the relaying processes. */
import type { PlacementLimits } from '../../accept/placement.js'
import type { SpawndSettings } from '../../config/table-spawnd.js'
import type { LogPlan, ProcessPlan, WorkersPlan } from '../../engine/plan.js'
import type { Loaded } from '../load/load.js'
import { childSessionsMax } from './limits.js'
import { stickyOptions } from './listener-plans.js'
import { childSandbox, headSandbox } from './sandbox-plan.js'

/** Whether children run this program: the default. */
export function isOwnProgram({ exec }: SpawndSettings['spawn']): boolean {
  return exec === undefined
}

export function workersPlan({ spawnd, tcprelay }: Pick<Loaded, 'spawnd' | 'tcprelay'>): WorkersPlan {
  const { overload, spawn, tcpBufsizeBytes } = spawnd
  return {
    placement: placementLimits(spawn),
    sessionsMax: spawn.usersMax === 0 ? Number.POSITIVE_INFINITY : spawn.usersMax,
    // Children of another program decide themselves when they retire.
    retireLimit: isOwnProgram(spawn) ? tcprelay.retire : 0,
    overload,
    wireBufferBytes: tcpBufsizeBytes,
    sticky: stickyOptions(spawn),
  }
}

/** Children of ours inherit the limit of descriptors, which limits their sessions and is the default. */
function placementLimits(spawn: SpawndSettings['spawn']): PlacementLimits {
  const { instancesMax, instancesMin, usersMax: wanted, usersMin } = spawn
  const usersMax =
    wanted === 0 ? childSessionsMax() : isOwnProgram(spawn) ? Math.min(wanted, childSessionsMax()) : wanted
  return { instancesMin, instancesMax, usersMin: Math.min(usersMin, usersMax), usersMax }
}

/** For the head, which applies both sections. */
export function headProcess(loaded: Loaded): ProcessPlan {
  const { mechanism, spawnd, tcprelay } = loaded
  const wantsCore = spawnd.coredumpDirectory !== undefined || tcprelay.coredumpDirectory !== undefined
  return {
    mechanism,
    log: headLog(loaded),
    debugMask: spawnd.debugMask | tcprelay.debugMask,
    hidesMemory: holdsKeys(loaded) && !wantsCore,
    sandbox: headSandbox(loaded),
  }
}

/** For children of ours, which apply the section `tcprelay` only. */
export function childProcess(loaded: Loaded, mechanism: ProcessPlan['mechanism']): ProcessPlan {
  const { spawnd, tcprelay, top } = loaded
  const hasOwnFile = spawnd.spawn.config !== undefined
  return {
    mechanism,
    log: logOf(tcprelay),
    debugMask: (hasOwnFile ? 0 : top.debugMask) | tcprelay.debugMask,
    hidesMemory: holdsKeys(loaded) && tcprelay.coredumpDirectory === undefined,
    sandbox: childSandbox(loaded),
  }
}

/**
 * The master's section overrides the section `tcprelay` for log directives. If the children have a configuration file of
 * their own, only the master's section applies.
 */
export function headLog({ spawnd, tcprelay, top }: Pick<Loaded, 'spawnd' | 'tcprelay' | 'top'>): LogPlan {
  const hasOwnFile = spawnd.spawn.config !== undefined
  const from = (key: keyof LogPlan) => (spawnd[key] === top[key] && !hasOwnFile ? tcprelay : spawnd)
  return {
    syslogIdent: from('syslogIdent').syslogIdent,
    syslogFacility: from('syslogFacility').syslogFacility,
    syslogSeverity: from('syslogSeverity').syslogSeverity,
    debugRedirect: from('debugRedirect').debugRedirect,
  }
}

function logOf({ debugRedirect, syslogFacility, syslogIdent, syslogSeverity }: LogPlan): LogPlan {
  return { syslogIdent, syslogFacility, syslogSeverity, debugRedirect }
}

/** Whether the memory contains private keys, pre-shared keys or keys of session tickets. */
function holdsKeys({ tls }: Loaded): boolean {
  return tls.settings.servers.length > 0 || tls.settings.clients.length > 0
}
