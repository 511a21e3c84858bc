/** Immediate exit of the process. */
import { nativeFunction } from './ffi.js'

/**
 * _exit(2): ends the process at once, whatever its threads do. `process.exit` would wait forever for a reactor thread
 * that is blocked in its poller.
 */
export function exitNow(code: number): never {
  nativeFunction<(code: number) => void>('void _exit(int code)')(code)
  throw new Error('_exit returned')
}
