/** Checks the PROXY protocol towards remotes: values that no header has, and remotes that have no header. */
import type { Position } from '../base/problem.js'
import { effectiveSendProxy } from './effective-send-proxy.js'
import type { Problems } from './problems.js'
import type { TcprelaySettings } from './table-tcprelay.js'

export function checkSendProxy({ pools, remotes }: TcprelaySettings, problems: Problems): void {
  const wanted = new Set<Position>()
  const used = new Set<Position>()
  for (const remote of remotes) {
    const pool = pools[remote.pool]
    const sent = effectiveSendProxy(remote, pool)
    for (const given of [pool?.sendProxyTlvs, remote.sendProxyTlvs])
      if (given !== undefined) wanted.add(given.position)
    if (sent?.version === 'v2' && sent.tlvs !== undefined) used.add(sent.tlvs.position)
    if (sent !== undefined && remote.protocol === 'SCTP' && !remote.hasMistakes) {
      const isOwn = remote.sendProxy !== undefined
      const hint = isOwn ? undefined : "add 'send proxy = no' to this remote"
      const text = "'send proxy' cannot be used with 'protocol = SCTP': the PROXY protocol does not know SCTP"
      problems.error(isOwn ? sent.position : remote.position, text, { hint })
    }
  }
  // A pool has those of the section: they are reported once, and only if no pool uses them.
  for (const position of wanted)
    if (!used.has(position)) problems.error(position, "'send proxy tlv' requires 'send proxy = v2'")
}
