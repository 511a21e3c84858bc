/** Whether the health check of a remote speaks TLS. */
import type { StarttlsName } from '../base/starttls-names.js'
import { mergedHealth } from './merged-health.js'
import { type HealthSettings, ROWS_OF_TYPE } from './table-health.js'
import type { TlsMode } from './tls-mode.js'

/** `in protocol`: the client asks for TLS in the protocol of the check, and the server agrees. */
export type CheckTlsMode = 'none' | 'at once' | 'in protocol'

/** `health`: of the remote and its pool (`mergedHealth`). `starttls`: how TLS of the remote begins. */
export function checkTlsMode(
  health: HealthSettings | undefined,
  { tls }: { readonly tls: TlsMode },
  starttls?: StarttlsName,
): CheckTlsMode {
  const { type = 'tcp', tls: own } = health ?? {}
  if (health === undefined || type === 'none') return 'none'
  if (type === 'tls') return 'at once'
  if (!('tls' in ROWS_OF_TYPE[type])) return 'none'
  // The relay speaks TLS with the remote from the first byte on, whatever the protocol in it is. Only MySQL numbers the packets
  // before TLS, too.
  if (tls.kind !== 'off') {
    if (own === false) return 'none'
    const isElsewhere = health.port !== undefined || health.address !== undefined
    return type === 'mysql' && starttls === 'mysql' && !isElsewhere ? 'in protocol' : 'at once'
  }
  if (own !== true) return 'none'
  return asksInProtocol(type) ? 'in protocol' : 'at once'
}

/** The same, of a remote and its pool as they are written. */
export function checkTlsModeOf(
  remote: { readonly health: HealthSettings | undefined; readonly tls: TlsMode },
  pool: { readonly health: HealthSettings | undefined } | undefined,
): CheckTlsMode {
  return checkTlsMode(mergedHealth(remote.health, pool?.health), remote)
}

function asksInProtocol(type: string): boolean {
  return type === 'mysql' || type === 'postgres'
}
