/** Limits by address of accepted peers, before a byte is read. Read `limit-rejections.ts` first. */
import type { Limiter, LimitFacts } from '../admission/limiter.js'
import { ruleName } from '../admission/rule-name.js'
import type { LimitEnd } from '../base/limit-words.js'
import type { Fd } from '../kernel/calls.js'
import { AF_INET, AF_INET6 } from '../kernel/constants.js'
import type { Region } from '../kernel/region.js'
import { IPV4_AT, IPV6_AT, isMapped, MAPPED_IPV4_AT } from '../kernel/sockaddr.js'
import { add, LIMIT_COUNTS } from '../observe/counters.js'
import type { Rejected } from './access-rules.js'
import type { LimitRejections } from './limit-rejections.js'

const NOBODY = new Uint8Array(0)

export interface PeerLimitsParts {
  readonly rejections: LimitRejections
  readonly loop: { readonly nowMs: number }
  readonly counters: Float64Array
  /** Writes a rejected client to the access log; undefined without one. */
  readonly writeAccess: ((rejected: Rejected) => void) | undefined
}

/**
 * The process that relays takes the place of a session, because it ends it. What is decided here: bans, tokens of rates, and
 * that all places are taken.
 */
export class PeerLimits {
  readonly #parts: PeerLimitsParts
  readonly #facts = new PeerFacts()

  constructor(parts: PeerLimitsParts) {
    this.#parts = parts
  }

  /** False: the client is rejected, and `fd` has been closed or is held. `listener`: the name. */
  admits(fd: Fd, listenerSlot: number, peer: Region, listener: string): boolean {
    const { rejections } = this.#parts
    const limiters = rejections.limits.early(listenerSlot)
    if (limiters.length === 0) return true
    this.#facts.set(listenerSlot, peer.bytes)
    // Tokens last: they are lost if another limit rejects the client.
    return (
      !this.#isRejected(limiters, endBeforeToken, fd, peer, listener) &&
      !this.#isRejected(limiters, endByToken, fd, peer, listener)
    )
  }

  /** Access rules have rejected the peer. */
  countRule(listenerSlot: number, { bytes }: Region): void {
    this.#facts.set(listenerSlot, bytes)
    this.#parts.rejections.countRejection('rules', this.#facts, bytes)
  }

  #isRejected(limiters: readonly Limiter[], judge: Judge, fd: Fd, peer: Region, listener: string): boolean {
    const { nowMs } = this.#parts.loop
    for (let i = 0; i < limiters.length; i++) {
      const limiter = limiters[i] as Limiter
      const end = limiter.aim(this.#facts) ? judge(limiter, nowMs) : undefined
      if (end === undefined) continue
      this.#reject(limiter, end, fd, peer, listener)
      return true
    }
    return false
  }

  #reject(limiter: Limiter, end: LimitEnd, fd: Fd, peer: Region, listener: string): void {
    const { counters, rejections, writeAccess } = this.#parts
    add(counters, LIMIT_COUNTS[end], 1)
    rejections.report(limiter, end, peer.bytes, listener)
    writeAccess?.({ peer: peer.bytes, listener, rule: ruleName(limiter.plan.position), reason: end })
    rejections.dispose(fd, limiter, end)
  }
}

/** Undefined: the limit admits the client. */
type Judge = (limiter: Limiter, nowMs: number) => LimitEnd | undefined

function endBeforeToken(limiter: Limiter, nowMs: number): LimitEnd | undefined {
  if (limiter.bannedMs(nowMs) > 0) return 'banned'
  return limiter.plan.action !== 'queue' && limiter.isFull() ? 'limit-connections' : undefined
}

function endByToken(limiter: Limiter, nowMs: number): LimitEnd | undefined {
  return limiter.plan.action !== 'queue' && !limiter.takeToken(nowMs) ? 'limit-rate' : undefined
}

/** What is known of a peer before a byte is read. One record for all peers. */
class PeerFacts implements LimitFacts {
  listenerSlot = 0
  address: Uint8Array = NOBODY
  addressAt = 0
  addressByteCount = 0

  /** `peer`: its socket address. An IPv4 address that is mapped into IPv6 is an IPv4 address. */
  set(listenerSlot: number, peer: Uint8Array): void {
    this.listenerSlot = listenerSlot
    this.address = peer
    const family = peer[0]
    if (family === AF_INET) this.#setAddress(IPV4_AT, 4)
    else if (family === AF_INET6 && isMapped(peer)) this.#setAddress(MAPPED_IPV4_AT, 4)
    else if (family === AF_INET6) this.#setAddress(IPV6_AT, 16)
    else this.#setAddress(0, 0)
  }

  serverName(): string {
    return ''
  }

  certificate(): undefined {
    return undefined
  }

  #setAddress(at: number, byteCount: number): void {
    this.addressAt = at
    this.addressByteCount = byteCount
  }
}
