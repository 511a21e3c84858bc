/** A configuration that is no file: the page of a web server, or what somebody writes to a pipe. */
import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import type { ReadAnswer, Sources } from '../config/sources.js'
import { nativeFunction } from '../kernel/ffi.js'

/** A configuration server that has not sent everything in this time is down, a pipe is forgotten. */
const READ_TIMEOUT_MS = 20_000

/** What the text of a configuration may have; what a page unpacks to counts. */
const TEXT_BYTES_MAX = 16 * 2 ** 20

/** What a pipe holds by default (pipe(7)). */
const FIRST_BYTES = 64 * 1024

const STANDARD_INPUT = new Set(['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])

/** The files; the main one is read here and now if it is a page or a pipe. */
export async function withStreamed(files: Sources, main: string): Promise<Sources> {
  const answer = isUrl(main) ? await readPage(main) : isPipe(main) ? await readPipe(main) : undefined
  if (answer === undefined) return files
  return {
    ...files,
    read: (path) => (path === main ? answer : files.read(path)),
    absolute: (path) => (path === main ? path : files.absolute(path)),
  }
}

export function isUrl(file: string): boolean {
  return /^https?:\/\//i.test(file)
}

/** Whether it can be read only once. */
export function isPipe(file: string): boolean {
  const stats = statOf(file)
  return stats !== undefined && (stats.isFIFO() || (stats.isSocket() && STANDARD_INPUT.has(file)))
}

/** The bytes of a page, or why there are none: an HTTP status or the system's error. */
export async function readPage(url: string, timeoutMs = READ_TIMEOUT_MS): Promise<ReadAnswer> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, { signal })
    if (response.ok) return await collected(response.body ?? [])
    await response.body?.cancel()
    return { ok: false, code: `HTTP status ${response.status}` }
  } catch (error) {
    return { ok: false, code: signal.aborted ? lateText(timeoutMs) : fetchFailure(error) }
  }
}

/** What is written to a pipe until its last writer closes it. */
export async function readPipe(path: string, timeoutMs = READ_TIMEOUT_MS): Promise<ReadAnswer> {
  const stopped = new AbortController()
  const timer = setTimeout(() => stopped.abort(), timeoutMs)
  try {
    const stream = isSocket(path) ? standardInput() : openPipe(path)
    const answer = await collected(stream === undefined ? [] : addAbortSignal(stopped.signal, stream))
    if (!answer.ok || answer.bytes.length > 0) return answer
    return { ok: false, code: 'nobody writes to this pipe; what was read from it before is gone' }
  } catch (error) {
    if (stopped.signal.aborted) return { ok: false, code: lateText(timeoutMs) }
    return { ok: false, code: error instanceof Error && 'code' in error ? String(error.code) : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

/** A socket cannot be opened by its path. A copy of the descriptor, since the number 0 must not become free for others. */
function standardInput(): Readable {
  const dup = nativeFunction<(fd: number) => number>('int dup(int fd)')
  return new Socket({ fd: dup(0), readable: true, writable: false })
}

/** The pipe on a descriptor of our own, or undefined: nobody writes to it, and the kernel would not report its end. */
function openPipe(path: string): Readable | undefined {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const first = firstOf(fd)
  if (first?.length === 0) {
    closeSync(fd)
    return undefined
  }
  const socket = new Socket({ fd, readable: true, writable: false })
  if (first !== undefined) socket.unshift(first)
  return socket
}

/** What there is now; undefined: nothing yet. */
function firstOf(fd: number): Buffer | undefined {
  const bytes = Buffer.alloc(FIRST_BYTES)
  try {
    return bytes.subarray(0, readSync(fd, bytes))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return undefined
    closeSync(fd)
    throw error
  }
}

/** Leaves the rest unread when there is too much. */
async function collected(
  chunks: AsyncIterable<string | Uint8Array> | Iterable<Uint8Array>,
): Promise<ReadAnswer> {
  const parts: Uint8Array[] = []
  let byteCount = 0
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    byteCount += bytes.length
    if (byteCount > TEXT_BYTES_MAX) {
      return { ok: false, code: `it is larger than ${TEXT_BYTES_MAX / 2 ** 20} MiB` }
    }
    parts.push(bytes)
  }
  return { ok: true, bytes: new Uint8Array(Buffer.concat(parts)) }
}

function isSocket(path: string): boolean {
  return statOf(path)?.isSocket() === true
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch {
    return undefined
  }
}

function lateText(timeoutMs: number): string {
  return `it has not ended within ${timeoutMs / 1000} s`
}

/** fetch() wraps the reason: "fetch failed" helps nobody. */
function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error) return 'code' in cause ? `${cause.message} (${cause.code})` : cause.message
  return error.message
}
