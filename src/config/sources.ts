/** The file system as the configuration sees it. Answers can be recorded, so that another process reads the same. */
import { getSystemErrorMap } from 'node:util'
import { shownPath } from './expectation.js'

export type ReadAnswer =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** `code`: the errno name: ENOENT, EACCES, … */
  | { readonly ok: false; readonly code: string }

export interface PathKind {
  /** `missing`: stat(2) failed, for the reason in `unreadable`. */
  readonly type: 'file' | 'directory' | 'other' | 'missing'
  /** The errno name if it cannot be read. */
  readonly unreadable: string | undefined
  readonly isExecutable: boolean
}

export interface GlobAnswer {
  /** Sorted. Includes names that exist but cannot be accessed: reading them returns the reason. */
  readonly names: readonly string[]
  /** Folders whose names could not be listed. */
  readonly failures: readonly { readonly path: string; readonly code: string }[]
}

/** Certificate revocation lists may have tens of megabytes; a larger file is an error and would exhaust memory. */
export const FILE_BYTES_MAX = 64 * 2 ** 20

const REASONS: Readonly<Record<string, string>> = {
  EISDIR: 'it is a directory',
  EINVAL: 'it is not a regular file',
  EFBIG: `it is larger than ${FILE_BYTES_MAX / 2 ** 20} MiB`,
}

const TEXTS = new Map([...getSystemErrorMap().values()])

/** Why a file cannot be read, in words. */
export function reasonOf(code: string): string {
  return REASONS[code] ?? TEXTS.get(code) ?? code
}

/** The message for a file that cannot be read, with its absolute path. */
export function cannotRead(path: string, code: string, { absolute }: Pick<Sources, 'absolute'>): string {
  return `cannot read ${shownPath(absolute(path))}: ${reasonOf(code)}`
}

/** The queries about files that reading a configuration makes. */
export interface Sources {
  read(path: string): ReadAnswer
  /** Names that match; braces are expanded, a backslash has no meaning. */
  glob(pattern: string): GlobAnswer
  kind(path: string): PathKind
  /** The absolute path; relative paths are relative to the working directory. */
  absolute(path: string): string
}

/** Recorded queries and answers: plain data, which can be sent to another process. */
export interface Snapshot {
  readonly reads: readonly (readonly [path: string, answer: ReadAnswer])[]
  readonly globs: readonly (readonly [pattern: string, answer: GlobAnswer])[]
  readonly kinds: readonly (readonly [path: string, kind: PathKind])[]
  readonly absolutes: readonly (readonly [path: string, absolute: string])[]
}

const MISSING: PathKind = { type: 'missing', unreadable: 'ENOENT', isExecutable: false }
const NOTHING_MATCHES: GlobAnswer = { names: [], failures: [] }

/** Queries `inner` once per question and records the answers; `snapshot` returns them. */
export function recordedSources(inner: Sources): Sources & { snapshot(): Snapshot } {
  const reads = new Map<string, ReadAnswer>()
  const globs = new Map<string, GlobAnswer>()
  const kinds = new Map<string, PathKind>()
  const absolutes = new Map<string, string>()
  return {
    read: (path) => remembered(reads, path, () => inner.read(path)),
    glob: (pattern) => remembered(globs, pattern, () => inner.glob(pattern)),
    kind: (path) => remembered(kinds, path, () => inner.kind(path)),
    absolute: (path) => remembered(absolutes, path, () => inner.absolute(path)),
    snapshot: () => ({
      reads: [...reads],
      globs: [...globs],
      kinds: [...kinds],
      absolutes: [...absolutes],
    }),
  }
}

/** Replays the recorded answers; files that were not queried then do not exist. */
export function snapshotSources(snapshot: Snapshot): Sources {
  const reads = new Map(snapshot.reads)
  const globs = new Map(snapshot.globs)
  const kinds = new Map(snapshot.kinds)
  const absolutes = new Map(snapshot.absolutes)
  return {
    read: (path) => reads.get(path) ?? { ok: false, code: 'ENOENT' },
    glob: (pattern) => globs.get(pattern) ?? NOTHING_MATCHES,
    kind: (path) => kinds.get(path) ?? MISSING,
    absolute: (path) => absolutes.get(path) ?? path,
  }
}

function remembered<T>(answers: Map<string, T>, question: string, ask: () => T): T {
  const known = answers.get(question)
  if (known !== undefined) return known
  const answer = ask()
  answers.set(question, answer)
  return answer
}
