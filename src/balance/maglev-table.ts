/**
 * The lookup table of Maglev hashing (Eisenbud et al., NSDI 2016): from a client's key to a remote in constant time.
 * Built in steps, because a whole build takes milliseconds.
 */
import { fractionOf, hashWord } from './hash.js'
import { NONE } from './policy.js'

/** Prime, so that every stride visits all entries. */
export const ENTRIES = 65_537

/** In each step every remote claims this part of its entries; one by one would cost a loop over the remotes per entry. */
export const BUILD_STEPS = 256

/** The average number of entries of a remote that nobody claims: more cost lookups, fewer move more clients. */
const UNCLAIMED = 4

/**
 * Remotes claim entries in turns, each in an order of its own (a permutation of the entries). Differs from the paper in
 * its end: there, remotes claim until the table is full. The last entries are contested most, which moves up to 1 % of the
 * clients of other remotes when one goes, and whole entries make shares uneven by up to 1.5 % at 1,000 remotes. Here, a few
 * entries stay unclaimed, and the owner of the table spreads their clients in proportion to `rest`, what each
 * remote lacks of its exact share.
 */
export class MaglevTable {
  /** By slot, the fraction of entries that a remote should have but has not claimed. */
  readonly rest: Float64Array
  /** In the order of their seeds, so that the order of the configuration does not matter. */
  readonly #members: Int32Array
  /** By entry, a slot or NONE. */
  readonly #owners = new Int32Array(ENTRIES).fill(NONE)
  /** By index in `members`: the next entry to claim and the distance to the one after. */
  readonly #next: Int32Array
  readonly #stride: Int32Array
  /** Entries to claim in all, and claimed so far. */
  readonly #quota: Int32Array
  readonly #claimed: Int32Array
  #step = 0

  /** `weights` and `seeds` are by slot, and read here only. */
  constructor(members: ArrayLike<number>, weights: ArrayLike<number>, seeds: ArrayLike<number>) {
    const count = members.length
    this.#members = Int32Array.from(members).sort((a, b) => (seeds[a] as number) - (seeds[b] as number))
    this.#next = new Int32Array(count)
    this.#stride = new Int32Array(count)
    this.#quota = new Int32Array(count)
    this.#claimed = new Int32Array(count)
    this.rest = new Float64Array(weights.length)
    let sum = 0
    for (const slot of this.#members) sum += weights[slot] as number
    if (sum === 0) return
    for (const [i, slot] of this.#members.entries()) {
      const seed = seeds[slot] as number
      const share = (ENTRIES * (weights[slot] as number)) / sum
      this.#next[i] = (hashWord(1, seed) >>> 0) % ENTRIES
      this.#stride[i] = 1 + ((hashWord(2, seed) >>> 0) % (ENTRIES - 1))
      const quota = quotaOf(share, seed)
      this.#quota[i] = quota
      this.rest[slot] = share - quota
    }
  }

  get isBuilt(): boolean {
    return this.stepsLeft === 0
  }

  /** Steps until it is built. */
  get stepsLeft(): number {
    return BUILD_STEPS - this.#step
  }

  /** Continues the build; see `isBuilt`. */
  build(steps: number): void {
    const end = Math.min(this.#step + steps, BUILD_STEPS)
    while (this.#step < end) {
      this.#step++
      for (let i = 0; i < this.#members.length; i++) {
        const target = Math.floor(((this.#quota[i] as number) * this.#step) / BUILD_STEPS)
        if (target !== this.#claimed[i]) this.#claim(i, target)
      }
    }
  }

  /** The slot that the key belongs to; NONE: to one in proportion to `rest`. */
  find(key: number): number {
    return this.#owners[(key >>> 0) % ENTRIES] as number
  }

  /** Lets a member claim its next free entries until it has `target`. */
  #claim(i: number, target: number): void {
    const slot = this.#members[i] as number
    const stride = this.#stride[i] as number
    let entry = this.#next[i] as number
    for (let claimed = this.#claimed[i] as number; claimed < target; claimed++) {
      while (this.#owners[entry] !== NONE) entry = following(entry, stride)
      this.#owners[entry] = slot
      entry = following(entry, stride)
    }
    this.#next[i] = entry
    this.#claimed[i] = target
  }
}

function following(entry: number, stride: number): number {
  const next = entry + stride
  return next >= ENTRIES ? next - ENTRIES : next
}

/**
 * How many entries a remote claims. Each rounds at another fraction, or all would change their quotas at once at some
 * number of remotes.
 */
function quotaOf(share: number, seed: number): number {
  return Math.max(0, Math.floor(share - (UNCLAIMED - 1) - fractionOf(hashWord(3, seed))))
}
