/** Where a process logs to, of what both sections say. */
import type { Configuration } from '../config/load.js'
import type { SpawndSettings } from '../config/table-spawnd.js'

export type LogSettings = Pick<
  SpawndSettings,
  'syslogIdent' | 'syslogFacility' | 'syslogSeverity' | 'debugRedirect'
>

/**
 * What the sections say of the log: the master's section counts where both say something, and alone where the children
 * have a file of their own.
 */
export function logSettings({ spawnd, tcprelay, top }: Configuration): LogSettings {
  const isApart = spawnd.spawn.config !== undefined
  const from = (key: keyof LogSettings) => (spawnd[key] === top[key] && !isApart ? tcprelay : spawnd)
  return {
    syslogIdent: from('syslogIdent').syslogIdent,
    syslogFacility: from('syslogFacility').syslogFacility,
    syslogSeverity: from('syslogSeverity').syslogSeverity,
    debugRedirect: from('debugRedirect').debugRedirect,
  }
}
