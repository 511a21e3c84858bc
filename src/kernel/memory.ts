/** Native memory: private mappings, and memory that processes share (mmap(2), memfd_create(2)). */
import {
  F_ADD_SEALS,
  MAP_SHARED,
  MFD_ALLOW_SEALING,
  MFD_CLOEXEC,
  PROT_READ,
  PROT_WRITE,
} from './constants.js'
import { errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'
import { Region } from './region.js'

export type { Region } from './region.js'

const MAP_PRIVATE_ANONYMOUS = 0x22
const READ_WRITE = PROT_READ | PROT_WRITE

/** F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_GROW: nobody can truncate the memory, so that no access raises SIGBUS. */
const SIZE_SEALS = 0x1 | 0x2 | 0x4
/** Future mappings can only be read-only (Linux 5.1). */
const F_SEAL_FUTURE_WRITE = 0x10

// The result is a number: addresses of user space have 47 bits.
type Mmap = (
  hint: number,
  byteLength: number,
  protection: number,
  flags: number,
  fd: number,
  at: number,
) => number

/** mmap(2). Throws: memory is mapped at start and when pools of it grow, not per event. */
function map(byteLength: number, flags: number, fd: number, offset = 0, protection = READ_WRITE): Region {
  const mmap = nativeFunction<Mmap>(
    'uintptr_t mmap(uintptr_t hint, size_t length, int protection, int flags, int fd, int64 offset)',
  )
  const errno = lastErrno()
  const address = mmap(0, byteLength, protection, flags, fd, offset)
  // MAP_FAILED is (void *) -1, which as a number exceeds every safe integer.
  if (address > Number.MAX_SAFE_INTEGER) {
    throw new Error(`cannot map ${byteLength} bytes: ${errorText(errno[0] as number)}`)
  }
  return new Region(address, byteLength)
}

/** Zeroed memory of this process, until `unmap`. Throws when the system has no memory. */
export function mapPrivate(byteLength: number): Region {
  return map(byteLength, MAP_PRIVATE_ANONYMOUS, -1)
}

/** Maps memory that is shared with other threads and processes. `fd` comes from `openSharedMemory`. */
export function mapShared(fd: number, byteLength: number): Region {
  return map(byteLength, MAP_SHARED, fd)
}

/** Like `mapShared`; a write to the region raises SIGSEGV. */
export function mapReadOnly(fd: number, byteLength: number): Region {
  return map(byteLength, MAP_SHARED, fd, 0, PROT_READ)
}

/** Fixes the size of shared memory for every process that has a descriptor of it. Throws on failure. */
export function sealSize(fd: number): void {
  const errno = lastErrno()
  if (addSeals(fd, SIZE_SEALS) < 0) {
    throw new Error(`cannot seal shared memory: ${errorText(errno[0] as number)}`)
  }
}

/**
 * Like `sealSize`, and also forbids new writable mappings and write(2). Existing mappings remain writable, so the
 * owner maps first. Kernels before 5.1 only fix the size. Throws on failure.
 */
export function sealWrites(fd: number): void {
  if (addSeals(fd, SIZE_SEALS | F_SEAL_FUTURE_WRITE) < 0) sealSize(fd)
}

/** Returns a negative number on failure. */
function addSeals(fd: number, seals: number): number {
  const fcntl = nativeFunction<(fd: number, command: number, value: number) => number>(
    'int fcntl(int fd, int command, uintptr_t value)',
  )
  return fcntl(fd, F_ADD_SEALS, seals)
}

/** The descriptor of a memfd of zero bytes whose size nobody can change. Throws on failure. */
export function createSealedMemory(name: string, byteLength: number): number {
  const fd = openSharedMemory(name, byteLength)
  try {
    sealSize(fd)
  } catch (error) {
    closeMemory(fd)
    throw error
  }
  return fd
}

/** A memfd of `byteLength` zero bytes; pages take no memory until they are written. Throws on failure. */
export function openSharedMemory(name: string, byteLength: number): number {
  const memfdCreate = nativeFunction<(name: string, flags: number) => number>(
    'int memfd_create(const char *name, uint32_t flags)',
  )
  const errno = lastErrno()
  const fd = memfdCreate(name, MFD_CLOEXEC | MFD_ALLOW_SEALING)
  if (fd < 0) throw new Error(`cannot create shared memory: ${errorText(errno[0] as number)}`)
  try {
    resize(fd, byteLength)
  } catch (error) {
    closeMemory(fd)
    throw error
  }
  return fd
}

/** Closes a descriptor of shared memory; mappings of it remain valid. */
export function closeMemory(fd: number): void {
  nativeFunction<(fd: number) => number>('int close(int fd)')(fd)
}

/** Shared memory that grows in chunks, all mapped from one descriptor. */
export class Arena {
  readonly #fd: number
  #byteLength = 0

  constructor(name: string) {
    this.#fd = openSharedMemory(name, 0)
  }

  /** Maps the next `byteLength` zero bytes, a multiple of the page size. Throws when the system has no memory. */
  mapMore(byteLength: number): Region {
    // The file grows before the mapping: an access beyond its end raises SIGBUS.
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
    throw new Error(`cannot resize shared memory: ${errorText(errno[0] as number)}`)
  }
}

/**
 * Unmaps a region of `mapPrivate`, `mapShared` or `mapReadOnly`. Using a view of it afterwards is a segmentation
 * fault.
 */
export function unmap(region: Region): void {
  nativeFunction<(address: bigint, byteLength: number) => number>(
    'int munmap(uintptr_t address, size_t length)',
  )(region.pointer, region.byteLength)
}
