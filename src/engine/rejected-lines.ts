import type { Rejected } from '../accept/access-rules.js'
import { credentialsIn } from '../kernel/peer-credentials.js'
import type { System } from '../kernel/system.js'
import { accessLine, idPrefix } from '../observe/access-line.js'
import { describePeer } from '../relay/peer-name.js'

/** Lines of the access log about clients that access rules reject: such a client never becomes a session. */
export class RejectedLines {
  readonly #system: System
  readonly #idPrefix: string
  #count = 0

  /** `who`: the reactor, as ids of its sessions begin. Ids of rejected clients have an `r` before that. */
  constructor(who: number | 'master', system: System) {
    this.#system = system
    this.#idPrefix = idPrefix(`r${who}`, system.clock.wallMs())
  }

  lineOf({ listener, peer, rule }: Rejected): string {
    return accessLine({
      endedAtMs: this.#system.clock.wallMs(),
      id: `${this.#idPrefix}-${++this.#count}`,
      client: describePeer(peer),
      credentials: credentialsIn(peer),
      listener,
      pool: '',
      remote: '',
      bytesToRemote: 0,
      bytesToClient: 0,
      durationMs: 0,
      reason: 'rejected',
      cause: '',
      rule,
      comment: '',
      clientTls: undefined,
      remoteTls: undefined,
      clientMptcp: undefined,
      remoteMptcp: undefined,
    })
  }
}
