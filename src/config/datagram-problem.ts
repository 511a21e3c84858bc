/** Checks `protocol = UDP` of one `listen` block against the block's other directives. */
import type { BindTarget } from './endpoint.js'
import { listedVersions, TLS_OFF, type TlsMode } from './tls-mode.js'

interface Given {
  readonly protocol: string
  readonly tls: TlsMode | undefined
}

/** Why a `listen` block is invalid with regard to datagrams. `target`: where it binds. */
export function datagramProblem({ protocol, tls = TLS_OFF }: Given, target: BindTarget): string | undefined {
  const listed = listedVersions(tls)?.join()
  if (protocol !== 'UDP') {
    return tls.dtlsVersions === undefined ? undefined : `'tls = ${listed}' requires 'protocol = UDP'`
  }
  if (target.kind === 'address' && target.address.family === 'unix') {
    return "'protocol = UDP' requires an IP address, not a Unix socket"
  }
  if (target.kind === 'inherited') {
    return "'protocol = UDP' requires a port: sockets inherited from systemd or inetd must be stream sockets"
  }
  if (tls.kind === 'pass') return "'tls = pass' cannot be used with 'protocol = UDP': it requires a stream"
  const isTls = listed !== undefined && tls.dtlsVersions === undefined
  return isTls ? `'tls = ${listed}' cannot be used with 'protocol = UDP': use DTLS versions` : undefined
}
