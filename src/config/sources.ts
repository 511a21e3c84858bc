export type ReadAnswer =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** `code` is the system's: ENOENT, EACCES, … */
  | { readonly ok: false; readonly code: string }

export interface PathKind {
  readonly type: 'file' | 'directory' | 'other' | 'missing'
  readonly isReadable: boolean
  readonly isExecutable: boolean
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory',
  EINVAL: 'it is not a regular file',
  EFBIG: 'it is too large',
}

/** Why a file cannot be read, in words. */
export function reasonOf(code: string): string {
  return REASONS[code] ?? code
}

/** All that reading a configuration learns about files. */
export interface Sources {
  read(path: string): ReadAnswer
  /** Names that match, sorted; braces are expanded, a backslash has no meaning. */
  glob(pattern: string): readonly string[]
  kind(path: string): PathKind
}

/** What was asked and answered; plain data, to be handed to another process. */
export interface Snapshot {
  readonly reads: readonly (readonly [path: string, answer: ReadAnswer])[]
  readonly globs: readonly (readonly [pattern: string, names: readonly string[]])[]
  readonly kinds: readonly (readonly [path: string, kind: PathKind])[]
}

const MISSING: PathKind = { type: 'missing', isReadable: false, isExecutable: false }

/** Asks `inner` once per question, remembers the answer, and tells them all on demand. */
export function recordedSources(inner: Sources): Sources & { snapshot(): Snapshot } {
  const reads = new Map<string, ReadAnswer>()
  const globs = new Map<string, readonly string[]>()
  const kinds = new Map<string, PathKind>()
  return {
    read: (path) => remembered(reads, path, () => inner.read(path)),
    glob: (pattern) => remembered(globs, pattern, () => inner.glob(pattern)),
    kind: (path) => remembered(kinds, path, () => inner.kind(path)),
    snapshot: () => ({ reads: [...reads], globs: [...globs], kinds: [...kinds] }),
  }
}

/** Answers as the recorded sources did; what was not asked then does not exist. */
export function snapshotSources(snapshot: Snapshot): Sources {
  const reads = new Map(snapshot.reads)
  const globs = new Map(snapshot.globs)
  const kinds = new Map(snapshot.kinds)
  return {
    read: (path) => reads.get(path) ?? { ok: false, code: 'ENOENT' },
    glob: (pattern) => globs.get(pattern) ?? [],
    kind: (path) => kinds.get(path) ?? MISSING,
  }
}

function remembered<T>(answers: Map<string, T>, question: string, ask: () => T): T {
  const known = answers.get(question)
  if (known !== undefined) return known
  const answer = ask()
  answers.set(question, answer)
  return answer
}
