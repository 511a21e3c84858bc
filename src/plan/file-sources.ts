import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  type Stats,
  statSync,
} from 'node:fs'
import { expandBraces, isGlob, matchesGlob } from '../base/glob.js'
import type { PathKind, ReadAnswer, Sources } from '../config/sources.js'

/** A configuration is text that people write; more than this is something else. */
const FILE_BYTES_MAX = 64 * 2 ** 20

/** The file system, as it is when asked. */
export const fileSources: Sources = { read: readRegularFile, glob, kind: pathKind }

/** Opens without blocking, since a FIFO without a writer would never answer. */
function readRegularFile(path: string): ReadAnswer {
  let fd: number | undefined
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    const stats = fstatSync(fd)
    if (stats.isDirectory()) return { ok: false, code: 'EISDIR' }
    if (!stats.isFile()) return { ok: false, code: 'EINVAL' }
    if (stats.size > FILE_BYTES_MAX) return { ok: false, code: 'EFBIG' }
    return { ok: true, bytes: readFileSync(fd) }
  } catch (error) {
    return { ok: false, code: codeOf(error) }
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}

/** glob(3) with braces: sorted by bytes, each name once. */
function glob(pattern: string): readonly string[] {
  const names = expandBraces(pattern).flatMap((simple) => globSimple(simple))
  return [...new Set(names)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

function globSimple(pattern: string): readonly string[] {
  const segments = pattern.split('/')
  let found = ['']
  for (const [index, segment] of segments.entries()) {
    const suffix = index === segments.length - 1 ? '' : '/'
    found = found.flatMap((folder) => namesIn(folder, segment).map((name) => folder + name + suffix))
  }
  return isGlob(pattern) ? found.filter(exists) : found.filter((path) => path !== '' && exists(path))
}

function namesIn(folder: string, segment: string): readonly string[] {
  if (!isGlob(segment)) return [segment]
  try {
    return readdirSync(folder === '' ? '.' : folder).filter((name) => matchesGlob(name, segment))
  } catch {
    return []
  }
}

function pathKind(path: string): PathKind {
  const stats = statOf(path)
  if (stats === undefined) return { type: 'missing', isReadable: false, isExecutable: false }
  const type = stats.isFile() ? 'file' : stats.isDirectory() ? 'directory' : 'other'
  return { type, isReadable: isAllowed(path, constants.R_OK), isExecutable: isAllowed(path, constants.X_OK) }
}

function exists(path: string): boolean {
  return statOf(path) !== undefined
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode)
    return true
  } catch {
    return false
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'EIO'
}
