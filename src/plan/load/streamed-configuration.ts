/** Reads a configuration that is not a regular file: a page of a web server, or a pipe. */
import { closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { addAbortSignal, type Readable } from 'node:stream'
import type { ReadAnswer, Sources } from '../../config/sources.js'
import { nativeFunction } from '../../kernel/ffi.js'

/** Time limit for a whole page or pipe: a server that needs longer is down, a writer that needs longer is stuck. */
const READ_TIMEOUT_MS = 20_000

/**
 * Size limit of the text, as for files (config/token-input.ts); compressed pages are measured after decompression.
 */
const TEXT_BYTES_MAX = 16 * 2 ** 20

/** Default capacity of a pipe (pipe(7)). */
const FIRST_BYTES = 64 * 1024

/** Names of standard input, which may be a socket, as in a child process that Node has started. */
const STANDARD_INPUT = new Set(['/dev/stdin', '/dev/fd/0', '/proc/self/fd/0'])

/** Sources in which the main file is read in advance if it is a page or a pipe. */
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

/** Whether the file is a pipe or a socket, which can be read only once. */
export function isPipe(file: string): boolean {
  const stats = statOf(file)
  return stats !== undefined && (stats.isFIFO() || (stats.isSocket() && STANDARD_INPUT.has(file)))
}

/** The bytes of a page, or the reason of the failure: an HTTP status or a system error. */
export async function readPage(url: string, timeoutMs = READ_TIMEOUT_MS): Promise<ReadAnswer> {
  const signal = AbortSignal.timeout(timeoutMs)
  try {
    const response = await fetch(url, { signal })
    if (response.ok) return await collected(response.body ?? [])
    // Frees the connection; the text of an error page is not used.
    await response.body?.cancel()
    return { ok: false, code: `HTTP status ${response.status}` }
  } catch (error) {
    return { ok: false, code: signal.aborted ? lateText(timeoutMs) : fetchFailure(error) }
  }
}

/** Reads a pipe until its last writer closes it. */
export async function readPipe(path: string, timeoutMs = READ_TIMEOUT_MS): Promise<ReadAnswer> {
  const stopped = new AbortController()
  const timer = setTimeout(() => stopped.abort(), timeoutMs)
  try {
    const stream = isSocket(path) ? standardInput() : openPipe(path)
    const answer = await collected(stream === undefined ? [] : addAbortSignal(stopped.signal, stream))
    // A pipe without a writer ends at once, as at a reload after its text was read.
    if (!answer.ok || answer.bytes.length > 0) return answer
    return { ok: false, code: 'the pipe has no writer; data that was read before cannot be read again' }
  } catch (error) {
    if (stopped.signal.aborted) return { ok: false, code: lateText(timeoutMs) }
    return { ok: false, code: error instanceof Error && 'code' in error ? String(error.code) : String(error) }
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Standard input as a socket, which cannot be opened by path. Uses a duplicate, so that descriptor 0 stays in use.
 */
function standardInput(): Readable {
  const dup = nativeFunction<(fd: number) => number>('int dup(int fd)')
  return new Socket({ fd: dup(0), readable: true, writable: false })
}

/** Opens the pipe. Undefined if it has no writer: the kernel would never report its end. */
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

/** The bytes that are available now; undefined if there are none yet. */
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

/** Collects all chunks; stops reading at the size limit. */
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
  return `it was not complete after ${timeoutMs / 1000} s`
}

/** The cause of a failed fetch(), whose own message is only "fetch failed". */
function fetchFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (cause instanceof Error) return 'code' in cause ? `${cause.message} (${cause.code})` : cause.message
  return error.message
}
