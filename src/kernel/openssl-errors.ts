/** The error queue of OpenSSL (ERR_get_error(3)). */
import { nativeFunction, nativeText, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'

/** The queue is thread-local. */
interface ErrorQueue {
  clear(): void
  /** Removes the oldest error and returns its code and text. */
  take(): { readonly code: number; readonly data: string } | undefined
  reasonOf(code: number): string | null
}

const ERR_TXT_STRING = 2

/** Redundant: the reason already names the alert that this numbers. */
const REDUNDANT_DATA = /^SSL alert number/

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
  // Two output arguments: the address of the data, and its flags.
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
 * Empties the queue. SSL_get_error(3) inspects the queue, so it must be empty whenever the data path calls OpenSSL:
 * every function that may leave errors takes or clears them before it returns.
 */
export function clearErrors(): void {
  queue().clear()
}

/**
 * Returns OpenSSL's reason for a failure and empties the queue. The oldest error is the cause; later ones were added
 * by its callers.
 */
export function takeReason(): string {
  const errors = queue()
  const first = errors.take()
  errors.clear()
  if (first === undefined) return 'unknown error'
  const reason = errors.reasonOf(first.code) ?? `error ${first.code.toString(16)}`
  return first.data === '' || REDUNDANT_DATA.test(first.data) ? reason : `${reason} (${first.data})`
}
