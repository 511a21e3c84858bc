/** How routers and packet balancers spread connections over relays by a hash, and which ones move when a relay is lost. */
import { fractionOf, hashWord } from '../../src/balance/hash.js'

export interface Spread {
  readonly name: string
  /** The relay for a hash; `serving` has at least one relay, in ascending order. */
  relayFor(hash: number, serving: readonly number[]): number
  /** The share of all connections that get another relay when relay `lost` of `count` is lost, its own included. */
  movedShare(count: number, lost: number): number
}

/** Hash modulo the number of relays. */
const modulo: Spread = {
  name: 'modulo',
  relayFor: (hash, serving) => serving[(hash >>> 0) % serving.length] as number,
  // Consecutive numbers are coprime: remainders agree by chance only.
  movedShare: (count) => 1 - 1 / count,
}

/** Equal ranges of the hash, as Linux does by default (RFC 2992 has the analysis). */
const ranges: Spread = {
  name: 'ranges',
  relayFor: (hash, serving) => serving[Math.floor(fractionOf(hash) * serving.length)] as number,
  movedShare: (count, lost) => {
    // In units of 1/(count × (count - 1)): how much the old and the new range of each relay overlap.
    let kept = 0
    for (let relay = 0; relay < count; relay++) {
      if (relay < lost) kept += count - 1 - relay
      if (relay > lost) kept += relay
    }
    return 1 - kept / (count * (count - 1))
  },
}

/** A consistent hash: resilient next-hop groups of Linux and of routers, and most packet balancers. */
const resilient: Spread = {
  name: 'resilient',
  relayFor: (hash, serving) => {
    const score = (relay: number) => hashWord(hash, hashWord(relay, 1))
    return serving.reduce((best, relay) => (score(relay) > score(best) ? relay : best))
  },
  movedShare: (count) => 1 / count,
}

export const SPREADS: readonly Spread[] = [modulo, ranges, resilient]
