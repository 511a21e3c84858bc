/** A time of the language, where zero means no limit, as a time of the plan, where that is Infinity. */
export function endless<T extends number | undefined>(ms: T): T | number {
  return ms === 0 ? Number.POSITIVE_INFINITY : ms
}
