/** Checks STARTTLS towards remotes: remotes without TLS, and protocols that lack something. */
import { effectiveStarttls } from './effective-starttls.js'
import type { Problems } from './problems.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

export function checkStarttls({ pools, remotes }: TcprelaySettings, problems: Problems): void {
  for (const remote of remotes) {
    const starttls = effectiveStarttls(remote, pools[remote.pool])
    if (starttls === undefined || remote.hasMistakes) continue
    const { position, value } = starttls
    const isOwn = remote.starttls !== undefined
    const where = isOwn ? position : remote.position
    if (remote.tls.kind === 'off') {
      const hint = `add 'tls = yes' to this remote${isOwn ? '' : ", or 'starttls = no'"}`
      problems.error(where, `'starttls = ${value}' requires TLS with the remote`, { hint })
    } else if (value === 'xmpp' && starttlsHost(remote) === undefined) {
      const hint = "add 'server name = NAME', the domain of the server"
      problems.error(where, "'starttls = xmpp' requires the name of the server", { hint })
    }
  }
}

/** The name of the server, which an opening may have to say; undefined: it is not known. */
export function starttlsHost({ serverName, target }: RemoteSettings): string | undefined {
  return serverName?.value ?? (target.kind === 'name' ? target.host : undefined)
}
