/** Which session ticket keys a generation begins with, and which TLS files are watched. */
import type { TlsPlan } from '../../engine/tls-settings.js'
import type { Loaded } from '../../plan/load/load.js'
import { keyOf } from '../../plan/load/tls-loading.js'
import type { FileWatch } from '../../services/file-watch.js'
import { TicketKeyRing } from '../../services/ticket-keys.js'

/**
 * The session ticket keys of a configuration. Those of the previous configuration are kept, unless
 * authorities or revocations of clients have changed: a client that is no longer accepted must not resume an
 * old session.
 */
export function ticketRingFor(
  settings: TlsPlan,
  before?: readonly [settings: TlsPlan, ring: TicketKeyRing | undefined],
): TicketKeyRing | undefined {
  if (settings.servers.length === 0) return undefined
  const [old, ring] = before ?? []
  const isSame = old !== undefined && clientRules(old) === clientRules(settings)
  return isSame && ring !== undefined ? ring : new TicketKeyRing()
}

/** How clients are verified: tickets are valid only where that is the same. */
function clientRules({ servers }: TlsPlan): string {
  // Sorted and without duplicates: the order of listeners makes no difference.
  const rules = servers.flatMap(({ clientCertificates }) =>
    clientCertificates ? keyOf(clientCertificates) : [],
  )
  return [...new Set(rules)].sort().join('\n')
}

/** `tls watch`: the files that were read last. */
export function watchTlsFiles(watch: FileWatch, { tcprelay, tls }: Loaded): void {
  watch.watch(tcprelay.tlsWatch ? tls.stamps : new Map())
}
