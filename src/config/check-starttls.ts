/** Checks STARTTLS towards remotes: remotes without TLS, and protocols that lack something. */
import { effectiveStarttls } from './effective-starttls.js'
import type { Problems } from './problems.js'
import type { RemoteSettings, TcprelaySettings } from './table-tcprelay.js'

const NO_MYSQL =
  "'starttls = mysql' is not available: the request for TLS has to repeat the capabilities of a login that the client sends later"
const NO_MYSQL_HINT = 'have the clients speak TLS themselves, and relay it as it is'

export function checkStarttls({ pools, remotes }: TcprelaySettings, problems: Problems): void {
  for (const remote of remotes) {
    const starttls = effectiveStarttls(remote, pools[remote.pool])
    if (starttls === undefined || remote.hasMistakes) continue
    const { position, value } = starttls
    const isOwn = remote.starttls !== undefined
    const where = isOwn ? position : remote.position
    if (value === 'mysql') {
      problems.error(where, NO_MYSQL, { hint: isOwn ? NO_MYSQL_HINT : "add 'starttls = no' to this remote" })
    } else if (remote.tls.kind === 'off') {
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
