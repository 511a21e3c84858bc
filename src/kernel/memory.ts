import { MAP_SHARED, MFD_CLOEXEC, PROT_READ, PROT_WRITE } from './constants.js'
import { errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'
import { Region } from './region.js'

export type { Region } from './region.js'

const MAP_PRIVATE_ANONYMOUS = 0x22

type Mmap = (
  hint: number,
  byteLength: number,
  protection: number,
  flags: number,
  fd: number,
  at: number,
) => number

function map(byteLength: number, flags: number, fd: number, offset = 0): Region {
  const mmap = nativeFunction<Mmap>(
    'uintptr_t mmap(uintptr_t hint, size_t length, int protection, int flags, int fd, int64 offset)',
  )
  const errno = lastErrno()
  const address = mmap(0, byteLength, PROT_READ | PROT_WRITE, flags, fd, offset)
  // MAP_FAILED is the highest address there is; as a number it is beyond every safe integer.
  if (address > Number.MAX_SAFE_INTEGER) {
    throw new Error(`cannot map ${byteLength} bytes: ${errorText(errno[0] as number)}`)
  }
  return new Region(address, byteLength)
}

/** Zeroed memory of this process, kept until it ends. Throws when the system has none. */
export function mapPrivate(byteLength: number): Region {
  return map(byteLength, MAP_PRIVATE_ANONYMOUS, -1)
}

/** Maps memory that other threads and processes see too. `fd` comes from `openSharedMemory`. */
export function mapShared(fd: number, byteLength: number): Region {
  return map(byteLength, MAP_SHARED, fd)
}

/** A memfd of `byteLength` zero bytes; pages cost nothing until they are written. Throws when refused. */
export function openSharedMemory(name: string, byteLength: number): number {
  const memfdCreate = nativeFunction<(name: string, flags: number) => number>(
    'int memfd_create(const char *name, uint32_t flags)',
  )
  const errno = lastErrno()
  const fd = memfdCreate(name, MFD_CLOEXEC)
  if (fd < 0) throw new Error(`cannot make shared memory: ${errorText(errno[0] as number)}`)
  try {
    resize(fd, byteLength)
  } catch (error) {
    nativeFunction<(fd: number) => number>('int close(int fd)')(fd)
    throw error
  }
  return fd
}

/** Shared memory that grows: one descriptor, however many chunks are mapped from it. */
export class Arena {
  readonly #fd: number
  #byteLength = 0

  constructor(name: string) {
    this.#fd = openSharedMemory(name, 0)
  }

  /** Maps the next `byteLength` zero bytes, a multiple of the page size. Throws when the system has none. */
  mapMore(byteLength: number): Region {
    resize(this.#fd, this.#byteLength + byteLength)
    const chunk = map(byteLength, MAP_SHARED, this.#fd, this.#byteLength)
    this.#byteLength += byteLength
    return chunk
  }
}

function resize(fd: number, byteLength: number): void {
  const ftruncate = nativeFunction<(fd: number, byteLength: number) => number>(
    'int ftruncate(int fd, int64 length)',
  )
  const errno = lastErrno()
  if (ftruncate(fd, byteLength) < 0) {
    throw new Error(`cannot size shared memory: ${errorText(errno[0] as number)}`)
  }
}

/** Unmaps a region that `mapPrivate` or `mapShared` made; its views must not be used again. */
export function unmap(region: Region): void {
  nativeFunction<(address: bigint, byteLength: number) => number>(
    'int munmap(uintptr_t address, size_t length)',
  )(region.pointer, region.byteLength)
}
