import { nativeFunction, nativeText, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'

/** The error queue of the calling thread (ERR_get_error(3)). */
interface ErrorQueue {
  clear(): void
  /** Takes the oldest error's code and its text, without a copy of the text. */
  take(): { readonly code: number; readonly data: string } | undefined
  reasonOf(code: number): string | null
}

const ERR_TXT_STRING = 2

/** Says a number where OpenSSL has a text for the same thing. */
const DATA_WITHOUT_NEWS = /^SSL alert number/

let made: ErrorQueue | undefined

function queue(): ErrorQueue {
  made ??= open()
  return made
}

function open(): ErrorQueue {
  const getAll = nativeFunction<
    (file: number, line: number, func: number, data: Pointer, flags: Pointer) => number
  >(
    'uintptr_t ERR_get_error_all(uintptr_t file, uintptr_t line, uintptr_t func, uintptr_t data, uintptr_t flags)',
  )
  const region = mapPrivate(16)
  const [data, flags] = [
    new BigUint64Array(region.bytes.buffer, 0, 1),
    new Int32Array(region.bytes.buffer, 8, 1),
  ]
  return {
    clear: nativeFunction('void ERR_clear_error()'),
    take() {
      const code = getAll(0, 0, 0, region.pointer, region.pointer + 8n)
      if (code === 0) return undefined
      const isText = ((flags[0] ?? 0) & ERR_TXT_STRING) !== 0 && data[0] !== 0n
      return { code, data: isText ? nativeText(data[0] ?? 0n) : '' }
    },
    reasonOf: nativeFunction('const char *ERR_reason_error_string(uintptr_t code)'),
  }
}

/**
 * Empties the queue. SSL_get_error(3) looks into it, so a function that may leave something there and does not
 * take it clears it before it returns: then it is empty whenever the data path calls.
 */
export function clearErrors(): void {
  queue().clear()
}

/**
 * OpenSSL's own reason for what failed, and an empty queue. Of several errors the oldest counts: the others were
 * raised by those who called what failed.
 */
export function takeReason(): string {
  const errors = queue()
  const first = errors.take()
  errors.clear()
  if (first === undefined) return 'no reason given'
  const reason = errors.reasonOf(first.code) ?? `error ${first.code.toString(16)}`
  return first.data === '' || DATA_WITHOUT_NEWS.test(first.data) ? reason : `${reason} (${first.data})`
}
