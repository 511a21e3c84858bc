/**
 * The file system as far as configurations use it. Answers are cached, so that all passes over a
 * configuration get the same.
 */
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

/** Descriptions of libuv by errno name. */
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

/** Queries `inner` once per question: a configuration is read in several passes, which must see the same. */
export function cachedSources(inner: Sources): Sources {
  const reads = new Map<string, ReadAnswer>()
  const globs = new Map<string, GlobAnswer>()
  const kinds = new Map<string, PathKind>()
  const absolutes = new Map<string, string>()
  return {
    read: (path) => cached(reads, path, () => inner.read(path)),
    glob: (pattern) => cached(globs, pattern, () => inner.glob(pattern)),
    kind: (path) => cached(kinds, path, () => inner.kind(path)),
    absolute: (path) => cached(absolutes, path, () => inner.absolute(path)),
  }
}

function cached<T>(answers: Map<string, T>, question: string, ask: () => T): T {
  const known = answers.get(question)
  if (known !== undefined) return known
  const answer = ask()
  answers.set(question, answer)
  return answer
}
