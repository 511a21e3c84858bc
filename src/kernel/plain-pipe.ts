/** Pipes for the standard streams of child processes. */
import { O_CLOEXEC } from './constants.js'
import { errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'

export interface PlainPipe {
  readonly readFd: number
  readonly writeFd: number
}

/**
 * pipe2(2): both ends blocking, with FD_CLOEXEC. Node's own 'pipe' streams are socket pairs, which cannot be opened
 * by name: `echo text >/dev/stderr` would fail in the child. Throws on failure.
 */
export function openPlainPipe(): PlainPipe {
  const pipe2 = nativeFunction<(ends: Int32Array, flags: number) => number>(
    'int pipe2(void *ends, int flags)',
  )
  const errno = lastErrno()
  const ends = new Int32Array(2)
  if (pipe2(ends, O_CLOEXEC) < 0) throw new Error(`cannot open a pipe: ${errorText(errno[0] as number)}`)
  return { readFd: ends[0] as number, writeFd: ends[1] as number }
}
