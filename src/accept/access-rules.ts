/** Access rules: which accepted clients are served. */
import { AccessList, type AccessTable } from '../admission/access-list.js'
import type { IdentityList } from '../admission/identity-list.js'
import type { LimitEnd } from '../base/limit-words.js'
import type { Fd } from '../kernel/calls.js'
import { AF_INET, AF_INET6 } from '../kernel/constants.js'
import { credentialsIn, type PeerCalls } from '../kernel/peer-credentials.js'
import type { Region } from '../kernel/region.js'
import { IPV4_AT, IPV6_AT } from '../kernel/sockaddr.js'
import { add, COUNT } from '../observe/counters.js'
import { RateLimitedLog } from '../observe/rate-limited-log.js'
import { NOTICE } from '../observe/severity.js'
import type { Say } from '../observe/trace.js'
import type { Loop } from '../reactor/loop.js'

export interface AccessRulesParts {
  readonly loop: Loop
  readonly counters: Float64Array
  readonly log: Say
  /** Writes a rejected client to the access log; undefined without one. */
  readonly writeAccess: ((rejected: Rejected) => void) | undefined
  readonly peers: PeerCalls
  /** The client's name in log lines. */
  describeClient(peer: Uint8Array): string
}

/** A client that was rejected. */
export interface Rejected {
  /** Its socket address; for clients of Unix sockets with the credentials. */
  readonly peer: Uint8Array
  readonly listener: string
  /** File and line of the rule that rejected it, or `none` if none applies. */
  readonly rule: string
  /** `end=` of its line: by an access rule, or by a limit. */
  readonly reason: 'rejected' | LimitEnd
}

/** Network rules apply to IP clients, user and group rules to clients of Unix sockets. */
export interface AccessLists {
  readonly networks: AccessList
  readonly identities: IdentityList
}

/** Checks each accepted client against the access lists; counts and logs rejected clients. */
export class AccessRules {
  readonly #parts: AccessRulesParts
  readonly #identities: IdentityList
  #networks: AccessList
  /** Clients can cause these lines at will, so not every rejection is logged; the counter includes all. */
  readonly #rejections: RateLimitedLog

  constructor(parts: AccessRulesParts, lists: AccessLists) {
    this.#parts = parts
    this.#identities = lists.identities
    this.#networks = lists.networks
    this.#rejections = new RateLimitedLog(NOTICE, parts.log)
  }

  /** A file of rules has changed. */
  replaceNetworks(table: AccessTable): void {
    this.#networks = new AccessList(table)
  }

  /**
   * `peer`: the client's socket address; the credentials of a client of a Unix socket are added to it. `listener`:
   * the name of the listener that it connected to.
   */
  admits(fd: Fd, peer: Region, listener: string): boolean {
    if (this.#isListed(fd, peer)) return true
    this.reject(peer, listener, isIp(peer.bytes) ? this.#networks.rule : this.#identities.rule)
    return false
  }

  /**
   * The same for a peer whose PROXY header names its client: rules about networks are applied to the client, those about
   * users and groups to the peer, which is the only one that has them.
   */
  admitsSender(fd: Fd, peer: Region, listener: string): boolean {
    return isIp(peer.bytes) || this.admits(fd, peer, listener)
  }

  /** Counts and logs a client for which no session begins. */
  reject(peer: Region, listener: string, rule: string): void {
    const { counters, writeAccess } = this.#parts
    add(counters, COUNT.rejected, 1)
    this.#log(peer.bytes, listener, rule)
    writeAccess?.({ peer: peer.bytes, listener, rule, reason: 'rejected' })
  }

  /** The rule that rejects the client of a PROXY header, which is logged; '' if it is admitted. Its session counts it. */
  ruleAgainst(client: Uint8Array, listener: string): string {
    const rule = this.#clientRule(client)
    if (rule !== '') this.#log(client, listener, rule)
    return rule
  }

  #clientRule(client: Uint8Array): string {
    const [identities, networks] = [this.#identities, this.#networks]
    if (client[0] === AF_INET) return networks.admits(client, IPV4_AT, 4) ? '' : networks.rule
    if (client[0] === AF_INET6) return networks.admits(client, IPV6_AT, 16) ? '' : networks.rule
    // A header does not say which user is behind a Unix socket.
    return identities.isEmpty || identities.rejectUnknown() ? '' : identities.rule
  }

  #log(client: Uint8Array, listener: string, rule: string): void {
    const { describeClient, loop } = this.#parts
    // The line begins with the words of the original: existing log filters match them.
    this.#rejections.log(loop.nowMs, () => {
      return `connection attempt from ${describeClient(client)} rejected (listener ${listener}, rule ${rule})`
    })
  }

  #isListed(fd: Fd, peer: Region): boolean {
    const { bytes } = peer
    const networks = this.#networks
    if (bytes[0] === AF_INET) return networks.admits(bytes, IPV4_AT, 4)
    if (bytes[0] === AF_INET6) return networks.admits(bytes, IPV6_AT, 16)
    // Reading credentials takes system calls, so it is left out where no rule asks for them.
    return this.#identities.isEmpty || this.#isKnown(fd, peer)
  }

  /** Rejects clients whose credentials the kernel does not report. */
  #isKnown(fd: Fd, peer: Region): boolean {
    const identities = this.#identities
    const { peers } = this.#parts
    peers.findCredentials(fd, peer)
    const who = credentialsIn(peer.bytes)
    const groupCount = identities.asksGroups ? peers.findGroups(fd) : 0
    if (who === undefined || groupCount < 0) return identities.rejectUnknown()
    return identities.admits(who.user, who.group, peers.groups, groupCount)
  }
}

function isIp(peer: Uint8Array): boolean {
  return peer[0] === AF_INET || peer[0] === AF_INET6
}

/** The key of a client in the sticky cache: its address without the port; undefined for clients of Unix sockets. */
export function clientKey(peer: Uint8Array): string | undefined {
  const address = addressIn(peer)
  // One character per byte: unlike the array, a Map compares it by value.
  return address === undefined ? undefined : String.fromCharCode(...address)
}

/** The key of a UDP client: its address and port, and the destination port. Longer than any key of `clientKey`. */
export function datagramKey(peer: Uint8Array, local: Uint8Array): string | undefined {
  const client = clientKey(peer)
  return client && client + String.fromCharCode(...peer.subarray(2, 4), ...local.subarray(2, 4))
}

function addressIn(peer: Uint8Array): Uint8Array | undefined {
  if (peer[0] === AF_INET) return peer.subarray(IPV4_AT, IPV4_AT + 4)
  return peer[0] === AF_INET6 ? peer.subarray(IPV6_AT, IPV6_AT + 16) : undefined
}
