/** The file system as a source of configurations. */
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  type Stats,
  statSync,
} from 'node:fs'
import { resolve } from 'node:path/posix'
import { expandBraces, isGlob, matchesGlob } from '../../base/glob.js'
import {
  FILE_BYTES_MAX,
  type GlobAnswer,
  type PathKind,
  type ReadAnswer,
  type Sources,
} from '../../config/sources.js'

/** Reads the real file system, without a cache. */
export const fileSources: Sources = { read: readRegularFile, glob, kind: pathKind, absolute }

// Room beyond the size of a file, so that its end is found without growing the buffer.
const CHUNK_BYTES = 64 * 1024

/** Opens with O_NONBLOCK: opening a FIFO without a writer would block. */
function readRegularFile(path: string): ReadAnswer {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = fstatSync(fd)
    if (stats.isDirectory()) return { ok: false, code: 'EISDIR' }
    if (!stats.isFile()) return { ok: false, code: 'EINVAL' }
    return readWithin(fd, stats.size)
  } catch (error) {
    return { ok: false, code: codeOf(error) }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** Reads to the end: a file may grow meanwhile, and files in /proc report size 0. */
function readWithin(fd: number, size: number): ReadAnswer {
  let bytes = Buffer.allocUnsafeSlow(Math.min(size, FILE_BYTES_MAX) + CHUNK_BYTES)
  let end = 0
  for (;;) {
    const count = readSync(fd, bytes, end, bytes.length - end, null)
    end += count
    if (end > FILE_BYTES_MAX) return { ok: false, code: 'EFBIG' }
    if (count === 0) return { ok: true, bytes: bytes.subarray(0, end) }
    if (end === bytes.length) bytes = Buffer.concat([bytes], bytes.length * 2)
  }
}

/** Like glob(3) with braces: sorted bytewise, without duplicates. */
function glob(pattern: string): GlobAnswer {
  const failures = new Map<string, string>()
  const names = expandBraces(pattern).flatMap((simple) => globSimple(simple, failures))
  return {
    names: [...new Set(names)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    failures: [...failures].map(([path, code]) => ({ path, code })),
  }
}

function globSimple(pattern: string, failures: Map<string, string>): readonly string[] {
  // A plain name that exists but cannot be read is kept: reading it reports the reason.
  if (!isGlob(pattern)) return pattern !== '' && failureOf(pattern) !== 'ENOENT' ? [pattern] : []
  // Of an absolute path the first segment is empty, so its folders begin with '/'.
  const segments = pattern.split('/')
  let found = ['']
  for (const [index, segment] of segments.entries()) {
    const suffix = index === segments.length - 1 ? '' : '/'
    found = found.flatMap((folder) =>
      namesIn(folder, segment, failures).map((name) => folder + name + suffix),
    )
  }
  // A plain segment after a wildcard may not exist in every folder.
  return found.filter((path) => !isAbsent(failureOf(path)))
}

/** Names in a folder that match a segment. Folders that exist and cannot be read are reported as failures. */
function namesIn(folder: string, segment: string, failures: Map<string, string>): readonly string[] {
  if (!isGlob(segment)) return [segment]
  const path = folder === '' ? '.' : folder
  try {
    return readdirSync(path).filter((name) => matchesGlob(name, segment))
  } catch (error) {
    const code = codeOf(error)
    if (!isAbsent(code)) failures.set(path, code)
    return []
  }
}

/** Whether the error means that the path does not exist, so a pattern does not match it. */
function isAbsent(code: string | undefined): boolean {
  return code === 'ENOENT' || code === 'ENOTDIR'
}

function pathKind(path: string): PathKind {
  const stats = statOf(path)
  if (typeof stats === 'string') return { type: 'missing', unreadable: stats, isExecutable: false }
  const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
  const unreadable = refusalOf(() => accessSync(path, constants.R_OK))
  const isExecutable = refusalOf(() => accessSync(path, constants.X_OK)) === undefined
  return { type, unreadable, isExecutable }
}

/** The errno name if the file cannot be examined. */
function failureOf(path: string): string | undefined {
  const stats = statOf(path)
  return typeof stats === 'string' ? stats : undefined
}

/** The stats of a file, or the errno name. */
function statOf(path: string): Stats | string {
  try {
    return statSync(path)
  } catch (error) {
    return codeOf(error)
  }
}

/** The errno name of a failed attempt; undefined if it succeeds. */
function refusalOf(attempt: () => void): string | undefined {
  try {
    attempt()
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

/** Returns a relative path as it is if the working directory has been removed. */
function absolute(path: string): string {
  try {
    return resolve(path)
  } catch {
    return path
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
}
