import { closeSync, constants, fstatSync } from 'node:fs'
import { errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'

/** fcntl.h: a descriptor that names a file and opens nothing. */
const O_PATH = 0o10000000
const O_CLOEXEC = 0o2000000
const AT_FDCWD = -100
/** The descriptor itself is meant, not a name below it. */
const AT_EMPTY_PATH = 0x1000

/** un.h: the file that a Unix socket is bound to, as a descriptor of O_PATH. Takes CAP_NET_ADMIN. */
const SIOCUNIXFILE = 0x89e0

/** Which file it is, whatever its name leads to later. */
export interface FileIdentity {
  readonly device: number
  readonly inode: number
}

/** A descriptor of O_PATH, which the caller closes. */
export interface SocketPath {
  readonly fd: number
  /** False: it may be another socket that somebody who may write the folder has put there. */
  readonly isCertain: boolean
}

/**
 * The file of a Unix socket that this process has just bound at `path`. The kernel says which one it is to whoever has
 * CAP_NET_ADMIN; for others it is looked up again. Throws when no socket is there.
 */
export function openSocketFile(socketFd: number, path: string): SocketPath {
  const ioctl = nativeFunction<(fd: number, request: number, value: number) => number>(
    'int ioctl(int fd, uintptr_t request, uintptr_t value)',
  )
  const known = ioctl(socketFd, SIOCUNIXFILE, 0)
  if (known >= 0) return { fd: known, isCertain: true }
  const fd = openPath(path)
  const stats = fstatSync(fd)
  const isOurs = stats.uid === process.geteuid?.() && stats.nlink === 1
  if (stats.isSocket()) return { fd, isCertain: isOurs }
  closeSync(fd)
  throw new Error(notTheSocket(path))
}

export function notTheSocket(path: string): string {
  return `${path} is not the socket that was bound there: another user may write its folder`
}

/** A file as a descriptor of O_PATH, which the caller closes; of a symbolic link the link itself. Throws when it is not there. */
export function openPath(path: string): number {
  return openAt(AT_FDCWD, path, O_PATH | constants.O_NOFOLLOW)
}

/** chown(2) of the file of a descriptor, also of one of O_PATH; -1 leaves the user or the group as it is. */
export function changeOwner(fd: number, uid: number, gid: number): void {
  const fchownat = nativeFunction<
    (fd: number, path: string, uid: number, gid: number, flags: number) => number
  >('int fchownat(int fd, const char *path, int uid, int gid, int flags)')
  const errno = lastErrno()
  if (fchownat(fd, '', uid, gid, AT_EMPTY_PATH) < 0) throw new Error(errorText(errno[0] as number))
}

export function identityOf(fd: number): FileIdentity {
  const { dev, ino } = fstatSync(fd)
  return { device: dev, inode: ino }
}

/** Removes a name if it still means that file. Its folder is looked up once, so nobody can put another in its place. */
export function removeIfSame(path: string, wanted: FileIdentity): void {
  const unlinkat = nativeFunction<(folder: number, name: string, flags: number) => number>(
    'int unlinkat(int folder, const char *name, int flags)',
  )
  const end = path.lastIndexOf('/')
  const name = path.slice(end + 1)
  const folder = openAt(AT_FDCWD, end < 0 ? '.' : path.slice(0, end + 1), O_PATH | constants.O_DIRECTORY)
  try {
    const file = openAt(folder, name, O_PATH | constants.O_NOFOLLOW)
    const found = identityOf(file)
    closeSync(file)
    const isSame = found.device === wanted.device && found.inode === wanted.inode
    if (isSame) unlinkat(folder, name, 0)
  } finally {
    closeSync(folder)
  }
}

function openAt(folder: number, path: string, flags: number): number {
  const openat = nativeFunction<(folder: number, path: string, flags: number) => number>(
    'int openat(int folder, const char *path, int flags)',
  )
  const errno = lastErrno()
  const fd = openat(folder, path, flags | O_CLOEXEC)
  if (fd < 0) throw new Error(`${path}: ${errorText(errno[0] as number)}`)
  return fd
}
