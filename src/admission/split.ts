/** Divides clients among pools by a hash of their address. */
import { invariant } from '../base/invariant.js'
import type { PoolShare } from './route-plan.js'

/** Any constant: policies use the same hash of the client, and the clients of one share must not be alike for them. */
const SALT = 0x5bd1_e995
const HASHES = 2 ** 32

/** A client keeps its pool while the shares are the same; changed shares move as few clients as possible. */
export class Split {
  readonly #pools: readonly number[]
  /** Where the share of a pool ends, from 0 to HASHES. */
  readonly #ends: readonly number[]

  constructor(shares: readonly PoolShare[]) {
    const used = shares.filter(({ share }) => share > 0)
    const total = used.reduce((sum, { share }) => sum + share, 0)
    invariant(total > 0 && Number.isFinite(total), 'a split without shares')
    let sum = 0
    this.#pools = used.map(({ pool }) => pool)
    this.#ends = used.map(({ share }) => {
      sum += share
      return (sum / total) * HASHES
    })
  }

  /** `hash`: 32 bits of any quality. */
  poolFor(hash: number): number {
    const point = mix(hash ^ SALT)
    let i = 0
    while (i < this.#ends.length - 1 && point >= (this.#ends[i] as number)) i++
    return this.#pools[i] as number
  }
}

/** The finalizer of MurmurHash3: every bit of the result depends on every bit of the hash. */
function mix(hash: number): number {
  let bits = hash
  bits = Math.imul(bits ^ (bits >>> 16), 0x85eb_ca6b)
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2_ae35)
  return (bits ^ (bits >>> 16)) >>> 0
}
