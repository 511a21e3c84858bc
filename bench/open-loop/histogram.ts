/** A distribution of times as a generator reports it, in microseconds. */
export interface Percentiles {
  readonly p50Us: number
  readonly p99Us: number
  readonly p999Us: number
  readonly maxUs: number
}

/** Each bucket is one per cent wider than the one before it, so its middle is at most 0.5 % off. */
const GROWTH = 1.01
const LOG_GROWTH = Math.log(GROWTH)
/** Shorter times count as this: no clock that crosses a system call is more exact. */
const LEAST_US = 0.1
/** Longer times share the last bucket; the longest is stored exactly. A thousand seconds exceed every run. */
const MOST_US = 1e9
const BUCKETS = bucketOf(MOST_US) + 1

/** Bucket i holds times above `LEAST_US * GROWTH ** (i - 1)`, up to `LEAST_US * GROWTH ** i`. */
function bucketOf(us: number): number {
  return us <= LEAST_US ? 0 : Math.ceil(Math.log(us / LEAST_US) / LOG_GROWTH)
}

function rounded(us: number): number {
  return Math.round(us * 10) / 10
}

/** Times in buckets, so that a run of any length takes the same memory and recording one allocates nothing. */
export class Histogram {
  readonly #counts = new Float64Array(BUCKETS)
  #count = 0
  #maxUs = 0

  get count(): number {
    return this.#count
  }

  add(us: number): void {
    const bucket = bucketOf(Math.min(us, MOST_US))
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
    this.#count++
    if (us > this.#maxUs) this.#maxUs = us
  }

  /** The time that this share of them did not exceed, to a tenth of a microsecond; NaN if there are none. */
  percentile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.#count))
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#counts[bucket] as number
      if (seen >= rank) return rounded(Math.min(LEAST_US * GROWTH ** (bucket - 0.5), this.#maxUs))
    }
    return Number.NaN
  }

  get percentiles(): Percentiles {
    return {
      p50Us: this.percentile(0.5),
      p99Us: this.percentile(0.99),
      p999Us: this.percentile(0.999),
      maxUs: rounded(this.#maxUs),
    }
  }
}
