/** The content of the state file: JSON with a version, one line for each remote. Its times are those of the wall clock. */
import type { HealthRecord } from './history.js'
import type { KnownState } from './remote-state.js'

const VERSION = 1

/** What is kept of one remote over a restart. */
export interface SavedRemote {
  /** Undefined: nothing is known of it. */
  readonly state: KnownState | undefined
  readonly results: readonly HealthRecord[]
  readonly flips: readonly HealthRecord[]
}

export interface SavedState {
  readonly writtenAtMs: number
  readonly remotes: ReadonlyMap<string, SavedRemote>
}

/** Records as columns, because a file of all results is 3 times as large otherwise. Times after the first are differences. */
interface Columns {
  readonly at: readonly number[]
  readonly up: readonly number[]
  readonly ms: readonly number[]
  /** Indexes of `reasons` of the remote. */
  readonly why: readonly number[]
}

/**
 * Pieces of the file, one for each remote, and one for the members of each pool with discovery (`discovery/members-of-file.ts`
 * reads them). `offsetMs`: the wall clock minus CLOCK_MONOTONIC, now.
 */
export function* savedText(
  remotes: Iterable<readonly [name: string, remote: SavedRemote]>,
  pools: Iterable<readonly [name: string, members: unknown]>,
  writtenAtMs: number,
  offsetMs: number,
): Generator<string> {
  yield `{"version":${VERSION},"writtenAt":${Math.round(writtenAtMs)},"remotes":{`
  let separator = '\n'
  for (const [name, remote] of remotes) {
    yield `${separator}${JSON.stringify(name)}:${JSON.stringify(savedRemote(remote, offsetMs))}`
    separator = ',\n'
  }
  yield '\n},"pools":{'
  separator = '\n'
  for (const [name, members] of pools) {
    yield `${separator}${JSON.stringify(name)}:${JSON.stringify(members)}`
    separator = ',\n'
  }
  yield '\n}}\n'
}

function savedRemote({ flips, results, state }: SavedRemote, offsetMs: number): unknown {
  const reasons: string[] = []
  const columns = (records: readonly HealthRecord[]) => columnsOf(records, offsetMs, reasons)
  const present = state && { down: state.isDown, since: Math.round(state.sinceMs + offsetMs) }
  return { ...present, flips: columns(flips), results: columns(results), reasons }
}

function columnsOf(records: readonly HealthRecord[], offsetMs: number, reasons: string[]): Columns {
  let beforeMs = 0
  return {
    at: records.map(({ atMs }) => {
      const wallMs = Math.round(atMs + offsetMs)
      const difference = wallMs - beforeMs
      beforeMs = wallMs
      return difference
    }),
    up: records.map(({ isUp }) => (isUp ? 1 : 0)),
    ms: records.map(({ latencyMs }) => Math.round(latencyMs * 100) / 100),
    why: records.map(({ reason }) => indexOf(reasons, reason)),
  }
}

function indexOf(reasons: string[], reason: string): number {
  const known = reasons.indexOf(reason)
  return known < 0 ? reasons.push(reason) - 1 : known
}

/**
 * Reads the text of a file. Fields that this version does not know are ignored. A string: why it cannot be used.
 * `offsetMs`: the wall clock minus CLOCK_MONOTONIC, now.
 */
export function parseSaved(text: string, offsetMs: number): SavedState | string {
  const saved = parsed(text)
  if (!isObject(saved)) return 'it is not a JSON object'
  const { remotes, version, writtenAt } = saved
  if (version !== VERSION)
    return typeof version === 'number' && version > VERSION
      ? `it was written by a newer version of this program (format ${version})`
      : 'its format is unknown'
  if (!isNumber(writtenAt) || !isObject(remotes)) return 'it is damaged'
  const read = new Map<string, SavedRemote>()
  for (const [name, remote] of Object.entries(remotes)) {
    const known = isObject(remote) ? remoteFrom(remote, offsetMs) : undefined
    if (known === undefined) return `the entry of the remote ${name.slice(0, 80)} is damaged`
    read.set(name, known)
  }
  return { writtenAtMs: writtenAt, remotes: read }
}

function remoteFrom(saved: Readonly<Record<string, unknown>>, offsetMs: number): SavedRemote | undefined {
  const { down, reasons, since } = saved
  if (!Array.isArray(reasons) || !reasons.every((reason) => typeof reason === 'string')) return undefined
  const flips = recordsFrom(saved.flips, reasons, offsetMs)
  const results = recordsFrom(saved.results, reasons, offsetMs)
  if (flips === undefined || results === undefined) return undefined
  if (down === undefined) return { state: undefined, flips, results }
  if (typeof down !== 'boolean' || !isNumber(since)) return undefined
  return { state: { isDown: down, sinceMs: since - offsetMs }, flips, results }
}

function recordsFrom(
  saved: unknown,
  reasons: readonly string[],
  offsetMs: number,
): readonly HealthRecord[] | undefined {
  if (!isObject(saved)) return undefined
  const { at, ms, up, why } = saved
  if (!areNumbers(at) || !areNumbers(ms) || !areNumbers(up) || !areNumbers(why)) return undefined
  if (![ms, up, why].every(({ length }) => length === at.length)) return undefined
  let wallMs = 0
  const records = at.map((difference, i) => {
    wallMs += difference
    const reason = reasons[why[i] as number]
    return { atMs: wallMs - offsetMs, isUp: up[i] === 1, latencyMs: ms[i] as number, reason }
  })
  return records.every(hasReason) ? records : undefined
}

function hasReason(record: Omit<HealthRecord, 'reason'> & { reason: unknown }): record is HealthRecord {
  return typeof record.reason === 'string'
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function areNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isNumber)
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value)
}
