/** Which peers of a listener send PROXY headers that are used. */
import { AccessList } from '../admission/access-list.js'
import type { AccessTable } from '../admission/access-table.js'
import { AF_INET, AF_INET6 } from '../kernel/constants.js'
import { IPV4_AT, IPV6_AT } from '../kernel/sockaddr.js'

/** The PROXY protocol of a listener. */
export interface ProxyPlan {
  /** A header may be missing, and peers outside of `from` are clients themselves. */
  readonly isOptional: boolean
  /** Admits the IP peers whose headers are used. */
  readonly from: AccessTable
  /** Time after the accept. */
  readonly timeoutMs: number
}

/** `stranger`: a header is required, and would not be used. */
export type Expectation = 'header' | 'nothing' | 'stranger'

export class ProxyPeers {
  /** By slot of the listener; undefined: it expects no header. */
  readonly #lists: readonly (AccessList | undefined)[]
  readonly #listeners: readonly { readonly proxy?: ProxyPlan | undefined }[]

  constructor(listeners: readonly { readonly proxy?: ProxyPlan | undefined }[]) {
    this.#listeners = listeners
    this.#lists = listeners.map(({ proxy }) => proxy && new AccessList(proxy.from))
  }

  /** Whether a listener expects headers. */
  has(listenerSlot: number): boolean {
    return this.#lists[listenerSlot] !== undefined
  }

  planOf(listenerSlot: number): ProxyPlan {
    const plan = this.#listeners[listenerSlot]?.proxy
    if (plan === undefined) throw new Error('a listener without the PROXY protocol reads no header')
    return plan
  }

  /** `peer`: the socket address of the connection. */
  expects(listenerSlot: number, peer: Uint8Array): Expectation {
    const list = this.#lists[listenerSlot]
    if (list === undefined) return 'nothing'
    if (isTrusted(list, peer)) return 'header'
    return this.planOf(listenerSlot).isOptional ? 'nothing' : 'stranger'
  }
}

/**
 * Who may connect to a Unix socket is decided by its mode and by access rules. The family of a peer that has disconnected is
 * not known: nothing that it has sent is used.
 */
function isTrusted(list: AccessList, peer: Uint8Array): boolean {
  if (peer[0] === AF_INET) return list.admits(peer, IPV4_AT, 4)
  return peer[0] !== AF_INET6 || list.admits(peer, IPV6_AT, 16)
}
