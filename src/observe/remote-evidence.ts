/** What a session saw of a remote, on its way from a reactor to the head, which judges. */
export interface RemoteEvidence {
  readonly name: string
  /** It took a connection, or did not. */
  readonly isUp: boolean
  /** When the attempt began and when its outcome was known: CLOCK_MONOTONIC, the same in all processes. */
  readonly startedMs: number
  readonly atMs: number
  /** Why it did not take the connection; '' otherwise. */
  readonly why: string
}

/** Neither names nor reasons contain it. */
const SEPARATOR = '\0'

export function encodeEvidence({ atMs, isUp, name, startedMs, why }: RemoteEvidence): string {
  return [isUp ? 'up' : 'down', startedMs, atMs, name, why].join(SEPARATOR)
}

/** Undefined for what is none: a child writes what it likes into its ring. */
export function decodeEvidence(text: string): RemoteEvidence | undefined {
  const [verdict, started, at, name, why, ...rest] = text.split(SEPARATOR)
  const [startedMs, atMs] = [Number(started), Number(at)]
  const isWhole = name !== undefined && why !== undefined && rest.length === 0
  const hasVerdict = verdict === 'up' || verdict === 'down'
  if (!isWhole || !hasVerdict || !Number.isFinite(startedMs) || !Number.isFinite(atMs)) return undefined
  return { name, isUp: verdict === 'up', startedMs, atMs, why }
}
