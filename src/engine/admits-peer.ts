/** Whether a peer that was accepted may stay: access rules, and who may send PROXY headers. */
import type { AccessRules } from '../accept/access-rules.js'
import type { Fd } from '../kernel/calls.js'
import type { Region } from '../kernel/region.js'
import { OUTSIDE_PROXY_FROM } from '../relay/opening/proxy-header.js'
import type { ProxyPeers } from '../relay/proxy-peers.js'

/** Before a byte is read; a rejected peer has been counted and logged. `name`: that of the listener. */
export function admitsPeer(
  rules: AccessRules,
  proxyPeers: ProxyPeers,
  fd: Fd,
  listenerSlot: number,
  peer: Region,
  name: string,
): boolean {
  switch (proxyPeers.expects(listenerSlot, peer.bytes)) {
    case 'nothing':
      return rules.admits(fd, peer, listenerSlot, name)
    case 'header':
      return rules.admitsSender(fd, peer, listenerSlot, name)
    case 'stranger':
      rules.reject(peer, name, { reason: 'rejected', rule: OUTSIDE_PROXY_FROM })
      return false
  }
}
