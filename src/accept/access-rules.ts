/** Access rules: which accepted clients are served. */
import { ADMITS, REJECTS } from '../admission/access-table.js'
import type { Identity } from '../admission/identity-list.js'
import type { RouteFacts } from '../admission/route-facts.js'
import { NEEDS_NOTHING } from '../admission/route-needs.js'
import type { RuleClient } from '../admission/rule-list.js'
import type { AccessPlan } from '../admission/rule-list-plan.js'
import { type ListOwner, RuleLists, type RuleRefusal } from '../admission/rule-lists.js'
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
  /** Buffer for the credentials of a client that has a session. */
  readonly peer: Region
  /** By slot; a block has one list. */
  readonly listeners: readonly { readonly block: number }[]
  /** Milliseconds since 1970, for rules about time. */
  wallMs(): number
  /** The client's name in log lines. */
  describeClient(peer: Uint8Array): string
}

/** A client that was rejected. */
export interface Rejected {
  /** Its socket address; for clients of Unix sockets with the credentials. */
  readonly peer: Uint8Array
  readonly listener: string
  /** File and line of the rule or limit that rejected it. */
  readonly rule: string
  /** `end=` of its line: by an access rule, or by a limit. */
  readonly reason: ListOwner | LimitEnd
}

/** A client with a session. */
export interface ListenerClient {
  readonly fd: Fd
  /** Its socket address. */
  readonly peer: Uint8Array
  /** By a PROXY header: `peer` is not the address of the connection. */
  readonly isNamed: boolean
  readonly listenerSlot: number
  /** The listener's name in log lines. */
  readonly listener: string
}

/** The counter of each list. */
const COUNTS = {
  rejected: COUNT.rejected,
  'listener-rule': COUNT.rejectedByListener,
  'route-rule': COUNT.rejectedByRoute,
} as const

/** Checks clients against the access lists, in two steps: when they are accepted, and when their facts are known. */
export class AccessRules {
  readonly #parts: AccessRulesParts
  #lists: RuleLists
  readonly #client: PeerClient
  /** Clients can cause these lines at will, so not every rejection is logged; the counter includes all. */
  readonly #rejections: RateLimitedLog

  constructor(parts: AccessRulesParts, plan: AccessPlan) {
    this.#parts = parts
    this.#lists = this.#listsOf(plan)
    this.#client = new PeerClient(parts.peers)
    this.#rejections = new RateLimitedLog(NOTICE, parts.log)
  }

  /** A file that rules name has changed. */
  replace(plan: AccessPlan): void {
    this.#lists = this.#listsOf(plan)
  }

  /**
   * The first step; also true if the verdict depends on facts. `peer`: the client's socket address; the credentials of a
   * client of a Unix socket are added to it, if a rule asks for them. `listener`: the name of its listener.
   */
  admits(fd: Fd, peer: Region, listenerSlot: number, listener: string): boolean {
    const client = this.#client.of(fd, peer.bytes, peer)
    if (this.#lists.decide(client, listenerSlot, undefined) !== REJECTS) return true
    this.reject(peer, listener, this.#lists.refusal)
    return false
  }

  /**
   * The same for a peer whose PROXY header names its client: rules about networks are applied to the client, those about
   * users and groups to the peer, which is the only one that has them.
   */
  admitsSender(fd: Fd, peer: Region, listenerSlot: number, listener: string): boolean {
    return isIp(peer.bytes) || this.admits(fd, peer, listenerSlot, listener)
  }

  /** Counts and logs a client for which no session begins. */
  reject(peer: Region, listener: string, refusal: RuleRefusal): void {
    const { counters, writeAccess } = this.#parts
    add(counters, COUNTS[refusal.reason], 1)
    this.#log(peer.bytes, listener, refusal)
    writeAccess?.({ peer: peer.bytes, listener, ...refusal })
  }

  /**
   * The first step for the client of a PROXY header: why it is rejected, which is logged; undefined: it is not, or its facts
   * decide. Its session counts it. A header does not say which user is behind a Unix socket.
   */
  againstSender({ listener, listenerSlot, peer }: ListenerClient): RuleRefusal | undefined {
    const client = this.#client.of(undefined, peer, undefined)
    const isRejected = this.#lists.decide(client, listenerSlot, undefined) === REJECTS
    return isRejected ? this.#refused(peer, listener) : undefined
  }

  /** Whether the second step is needed for the clients of a listener. */
  needsFacts(listenerSlot: number): boolean {
    return this.#lists.needsOf(listenerSlot) !== NEEDS_NOTHING
  }

  /** The second step, for a client with a session. */
  againstClient(client: ListenerClient, facts: RouteFacts): RuleRefusal | undefined {
    const answer = this.#lists.decide(this.#withSession(client), client.listenerSlot, facts)
    return answer === ADMITS ? undefined : this.#refused(client.peer, client.listener)
  }

  hasRulesOf(route: number): boolean {
    return this.#lists.hasRulesOf(route)
  }

  /** The rules of the route that chose the pool of a client. */
  againstRouted(client: ListenerClient, facts: RouteFacts, route: number): RuleRefusal | undefined {
    const answer = this.#lists.decideRoute(this.#withSession(client), route, facts)
    return answer === ADMITS ? undefined : this.#refused(client.peer, client.listener)
  }

  #withSession({ fd, isNamed, peer }: ListenerClient): RuleClient {
    return isNamed ? this.#client.of(undefined, peer, undefined) : this.#client.of(fd, peer, this.#parts.peer)
  }

  #refused(client: Uint8Array, listener: string): RuleRefusal {
    const { refusal } = this.#lists
    this.#log(client, listener, refusal)
    return refusal
  }

  #log(client: Uint8Array, listener: string, { rule }: RuleRefusal): void {
    const { describeClient, loop } = this.#parts
    // The line begins with the words of the original: existing log filters match them.
    this.#rejections.log(loop.nowMs, () => {
      return `connection attempt from ${describeClient(client)} rejected (listener ${listener}, rule ${rule})`
    })
  }

  #listsOf(plan: AccessPlan): RuleLists {
    const { listeners, wallMs } = this.#parts
    return new RuleLists(plan, (slot) => listeners[slot]?.block, wallMs)
  }
}

/** One record for all clients of a reactor, valid until the next `of`. Whatever costs a call is read when it is asked for. */
class PeerClient implements RuleClient, Identity {
  address: Uint8Array = new Uint8Array(0)
  addressAt = 0
  addressByteCount = 0
  user = 0
  group = 0
  readonly #peers: PeerCalls
  #fd: Fd | undefined = undefined
  #into: Region | undefined = undefined

  constructor(peers: PeerCalls) {
    this.#peers = peers
  }

  /** `into`: gets the credentials of a client of a Unix socket; undefined: nobody knows them. */
  of(fd: Fd | undefined, peer: Uint8Array, into: Region | undefined): PeerClient {
    this.#fd = fd
    this.#into = into
    this.address = peer
    this.addressAt = peer[0] === AF_INET ? IPV4_AT : IPV6_AT
    this.addressByteCount = peer[0] === AF_INET ? 4 : peer[0] === AF_INET6 ? 16 : 0
    return this
  }

  identity(): Identity | undefined {
    if (this.#fd === undefined || this.#into === undefined) return undefined
    this.#peers.findCredentials(this.#fd, this.#into)
    const who = credentialsIn(this.#into.bytes)
    if (who === undefined) return undefined
    this.user = who.user
    this.group = who.group
    return this
  }

  get groups(): ArrayLike<number> {
    return this.#peers.groups
  }

  get groupCount(): number {
    return this.#fd === undefined ? 0 : this.#peers.findGroups(this.#fd)
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
