/** Durations in log lines: the two largest units, such as `3 h 12 min`. */

const UNITS = [
  { name: 'd', ms: 86_400_000 },
  { name: 'h', ms: 3_600_000 },
  { name: 'min', ms: 60_000 },
  { name: 's', ms: 1_000 },
] as const

/** Rounded down; a second part of zero is left out. Below a second in milliseconds. */
export function formatDuration(durationMs: number): string {
  const ms = Math.max(0, Math.floor(durationMs))
  const largest = UNITS.findIndex((unit) => ms >= unit.ms)
  if (largest < 0) return `${ms} ms`
  const { name, ms: unitMs } = UNITS[largest] as (typeof UNITS)[number]
  const first = `${Math.floor(ms / unitMs)} ${name}`
  const next = UNITS[largest + 1]
  const rest = next === undefined ? 0 : Math.floor((ms % unitMs) / next.ms)
  return rest === 0 ? first : `${first} ${rest} ${next?.name}`
}
