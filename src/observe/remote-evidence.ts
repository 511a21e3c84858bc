/** What an attempt revealed about a remote: sent by reactors to the head, which derives the verdict from it. */
export interface RemoteEvidence {
  readonly name: string
  /** The attempt succeeded. */
  readonly isUp: boolean
  /** When the attempt began and when its outcome was known: CLOCK_MONOTONIC, the same in all processes. */
  readonly startedMs: number
  readonly atMs: number
  /** Why the attempt failed; '' if it succeeded. */
  readonly why: string
}

/** Names and reasons never contain it. */
const SEPARATOR = '\0'

export function encodeEvidence({ atMs, isUp, name, startedMs, why }: RemoteEvidence): string {
  return [isUp ? 'up' : 'down', startedMs, atMs, name, why].join(SEPARATOR)
}

/** Undefined for invalid text: a compromised child can write anything to its ring. */
export function decodeEvidence(text: string): RemoteEvidence | undefined {
  const [verdict, started, at, name, why, ...rest] = text.split(SEPARATOR)
  const [startedMs, atMs] = [Number(started), Number(at)]
  const isWhole = name !== undefined && why !== undefined && rest.length === 0
  const hasVerdict = verdict === 'up' || verdict === 'down'
  if (!isWhole || !hasVerdict || !Number.isFinite(startedMs) || !Number.isFinite(atMs)) return undefined
  return { name, isUp: verdict === 'up', startedMs, atMs, why }
}
