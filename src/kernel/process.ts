import { nativeFunction } from './ffi.js'

/**
 * _exit(2): ends the process at once, whatever its threads do. Node's own exit waits for a thread that is
 * blocked in the poller.
 */
export function exitNow(code: number): never {
  nativeFunction<(code: number) => void>('void _exit(int code)')(code)
  throw new Error('_exit returned')
}
