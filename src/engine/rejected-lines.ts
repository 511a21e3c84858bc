import type { Rejected } from '../accept/access-rules.js'
import { credentialsIn } from '../kernel/peer-credentials.js'
import type { System } from '../kernel/system.js'
import { accessLine, idPrefix } from '../observe/access-line.js'
import { describePeer } from '../relay/peer-name.js'

/** Access lines of clients that access rules reject, for which no session exists. */
export class RejectedLines {
  readonly #system: System
  readonly #idPrefix: string
  /** Makes the ids unique within this reactor. */
  #count = 0

  /** `who`: the reactor, as in the ids of its sessions; ids of rejected clients have the prefix `r`. */
  constructor(who: number | 'master', system: System) {
    this.#system = system
    this.#idPrefix = idPrefix(`r${who}`, system.clock.wallMs())
  }

  /** Without a session there is no pool, no remote and no transfer: those fields are empty. */
  lineOf({ listener, peer, reason, rule }: Rejected): string {
    return accessLine({
      endedAtMs: this.#system.clock.wallMs(),
      id: `${this.#idPrefix}-${++this.#count}`,
      client: describePeer(peer),
      credentials: credentialsIn(peer),
      via: '',
      tlvs: '',
      listener,
      pool: '',
      remote: '',
      failedAttempts: '',
      bytesToRemote: 0,
      bytesToClient: 0,
      durationMs: 0,
      queuedMs: 0,
      reason,
      cause: '',
      rule,
      comment: '',
      why: '',
      clientTls: undefined,
      remoteTls: undefined,
      clientMptcp: undefined,
      remoteMptcp: undefined,
    })
  }
}
