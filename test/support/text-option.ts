/** Reads socket options with a text value. */
import type { Fd } from '../../src/kernel/calls.js'
import { nativeFunction } from '../../src/kernel/ffi.js'
import { mapPrivate } from '../../src/kernel/memory.js'
import { done } from './sockets.js'

type Getsockopt = (fd: Fd, level: number, name: number, value: bigint, length: bigint) => number

/** The value of an option such as TCP_CONGESTION. */
export function textOption(fd: Fd, level: number, name: number): string {
  const getsockopt = nativeFunction<Getsockopt>(
    'int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)',
  )
  const region = mapPrivate(64)
  const length = new Int32Array(region.bytes.buffer, 32, 1)
  length[0] = 32
  done(getsockopt(fd, level, name, region.pointer, region.pointer + 32n))
  return new TextDecoder().decode(region.bytes.subarray(0, length[0])).replace(/\0.*$/, '')
}
