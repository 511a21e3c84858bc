/** Whether a peer that was accepted may stay: access rules, who may send PROXY headers, and limits by address. */
import type { AccessRules } from '../accept/access-rules.js'
import type { PeerLimits } from '../accept/peer-limits.js'
import type { Fd } from '../kernel/calls.js'
import type { Region } from '../kernel/region.js'
import { OUTSIDE_PROXY_FROM } from '../relay/opening/proxy-header.js'
import type { ProxyPeers } from '../relay/proxy-peers.js'

export interface PeerRules {
  readonly accessRules: AccessRules
  readonly proxyPeers: ProxyPeers
  /** Undefined: there are no limits. */
  readonly peerLimits: PeerLimits | undefined
}

/** Why a peer is not admitted; it has been counted for the process, and logged. */
export type Rejection =
  /** By a rule. The caller owns its descriptor. */
  | 'rejected'
  /** By a limit, to which its descriptor belongs. */
  | 'limited'

/** Before a byte is read. Undefined: it is admitted. `name`: that of the listener. */
export function rejectionOf(
  { accessRules, peerLimits, proxyPeers }: PeerRules,
  fd: Fd,
  listenerSlot: number,
  peer: Region,
  name: string,
): Rejection | undefined {
  switch (proxyPeers.expects(listenerSlot, peer.bytes)) {
    case 'nothing':
      if (accessRules.admits(fd, peer, listenerSlot, name)) {
        return peerLimits === undefined || peerLimits.admits(fd, listenerSlot, peer, name)
          ? undefined
          : 'limited'
      }
      peerLimits?.countRule(listenerSlot, peer)
      return 'rejected'
    case 'header':
      return accessRules.admitsSender(fd, peer, listenerSlot, name) ? undefined : 'rejected'
    case 'stranger':
      accessRules.reject(peer, name, { reason: 'rejected', rule: OUTSIDE_PROXY_FROM })
      return 'rejected'
  }
}
