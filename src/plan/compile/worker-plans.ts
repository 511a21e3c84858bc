/** The part of a plan about the processes that relay. */
import type { PlacementLimits } from '../../accept/placement.js'
import type { SpawndSettings } from '../../config/table-spawnd.js'
import type { LogPlan, ProcessPlan, WorkersPlan } from '../../engine/plan.js'
import type { Loaded } from '../load/load.js'
import { childSessionsMax } from './limits.js'
import { stickyOptions } from './listener-plans.js'

/** Children are this program, unless the configuration names another one. */
export function isOwnProgram({ exec }: SpawndSettings['spawn']): boolean {
  return exec === undefined
}

export function workersPlan({ spawnd, tcprelay }: Pick<Loaded, 'spawnd' | 'tcprelay'>): WorkersPlan {
  const { overload, spawn, tcpBufsizeBytes } = spawnd
  return {
    placement: placementLimits(spawn),
    sessionsMax: spawn.usersMax === 0 ? Number.POSITIVE_INFINITY : spawn.usersMax,
    // Another program replaces its processes by rules of its own.
    retireLimit: isOwnProgram(spawn) ? tcprelay.retire : 0,
    overload,
    wireBufferBytes: tcpBufsizeBytes,
    sticky: stickyOptions(spawn),
  }
}

/** No child of ours takes more than its descriptors allow, which is also the default: it inherits our limit. */
function placementLimits(spawn: SpawndSettings['spawn']): PlacementLimits {
  const { instancesMax, instancesMin, usersMax: wanted, usersMin } = spawn
  const usersMax =
    wanted === 0 ? childSessionsMax() : isOwnProgram(spawn) ? Math.min(wanted, childSessionsMax()) : wanted
  return { instancesMin, instancesMax, usersMin: Math.min(usersMin, usersMax), usersMax }
}

/** Of the head, which has both sections. */
export function headProcess(loaded: Loaded): ProcessPlan {
  const { mechanism, spawnd, tcprelay } = loaded
  const wantsCore = spawnd.coredumpDirectory !== undefined || tcprelay.coredumpDirectory !== undefined
  return {
    mechanism,
    log: headLog(loaded),
    debugMask: spawnd.debugMask | tcprelay.debugMask,
    hidesMemory: holdsKeys(loaded) && !wantsCore,
  }
}

/** Of children of ours, for which the section `tcprelay` alone counts. */
export function childProcess(loaded: Loaded, mechanism: ProcessPlan['mechanism']): ProcessPlan {
  const { spawnd, tcprelay, top } = loaded
  const hasOwnFile = spawnd.spawn.config !== undefined
  return {
    mechanism,
    log: logOf(tcprelay),
    debugMask: (hasOwnFile ? 0 : top.debugMask) | tcprelay.debugMask,
    hidesMemory: holdsKeys(loaded) && tcprelay.coredumpDirectory === undefined,
  }
}

/**
 * Where both sections say something of the log, the master's section overrides the other one; where the children have a
 * file of their own, it counts alone.
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

/** Keys of certificates, pre-shared keys or keys of session tickets. */
function holdsKeys({ tls }: Loaded): boolean {
  return tls.settings.servers.length > 0 || tls.settings.clients.length > 0
}
