/** The times of a source that are not configured. Other ones only in tests. */
export interface SourceTimes {
  /** The first pause after a failure, doubled after each further one, and the longest. */
  readonly retryFirstMs: number
  readonly retryMaxMs: number
  /** Changes within this time are reported together. */
  readonly gatherMs: number
  /** A watch that the server ends sooner has failed. */
  readonly watchMinMs: number
  /** From 0 up to 1. */
  random(): number
}

export const SOURCE_TIMES: SourceTimes = {
  retryFirstMs: 1_000,
  retryMaxMs: 30_000,
  gatherMs: 50,
  watchMinMs: 1_000,
  random: Math.random,
}

/** A time from half of it to the whole, so that many relays do not ask together. */
export function spread(ms: number, { random }: Pick<SourceTimes, 'random'>): number {
  return ms * (0.5 + random() / 2)
}
