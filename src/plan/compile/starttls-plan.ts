/** STARTTLS of a remote, from directives to the plan. */
import { hostname } from 'node:os'
import { starttlsHost } from '../../config/check-starttls.js'
import { effectiveStarttls } from '../../config/effective-starttls.js'
import type { PoolSettings } from '../../config/table-pool.js'
import type { RemoteSettings } from '../../config/table-tcprelay.js'
import type { StarttlsPlan } from '../../wire/starttls/client-opening.js'

/** Undefined: TLS begins with the connection, or there is none. */
export function starttlsPlan(
  remote: RemoteSettings,
  pool: PoolSettings | undefined,
): StarttlsPlan | undefined {
  const protocol = effectiveStarttls(remote, pool)?.value
  return protocol && { protocol, name: nameFor(protocol, remote) }
}

function nameFor(protocol: StarttlsPlan['protocol'], remote: RemoteSettings): string {
  if (protocol === 'smtp') return hostname()
  return protocol === 'xmpp' ? (starttlsHost(remote) ?? '') : ''
}
