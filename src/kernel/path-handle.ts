/** Files held by descriptors, so that nobody can swap them between a check and its use (O_PATH, open(2)). */
import { closeSync, constants, fstatSync } from 'node:fs'
import { errorText } from './errno.js'
import { nativeFunction } from './ffi.js'
import { lastErrno } from './native-errno.js'

/** fcntl.h: a descriptor that refers to a file without opening it. */
const O_PATH = 0o10000000
const O_CLOEXEC = 0o2000000
const AT_FDCWD = -100
/** Operate on the descriptor itself instead of a name below it. */
const AT_EMPTY_PATH = 0x1000

/** linux/un.h: returns the file that a Unix socket is bound to as an O_PATH descriptor. Needs CAP_NET_ADMIN. */
const SIOCUNIXFILE = 0x89e0

/** Identifies a file independently of its name. */
export interface FileIdentity {
  readonly device: number
  readonly inode: number
}

export interface SocketPath {
  /** An O_PATH descriptor, which the caller closes. */
  readonly fd: number
  /** False if a user with write permission for the folder may have replaced the socket. */
  readonly isCertain: boolean
}

/**
 * The file of a Unix socket that this process has just bound at `path`. With CAP_NET_ADMIN the kernel reports it;
 * without, the path is looked up again. Throws when the path is no socket.
 */
export function openSocketFile(socketFd: number, path: string): SocketPath {
  const ioctl = nativeFunction<(fd: number, request: number, value: number) => number>(
    'int ioctl(int fd, uintptr_t request, uintptr_t value)',
  )
  const known = ioctl(socketFd, SIOCUNIXFILE, 0)
  if (known >= 0) return { fd: known, isCertain: true }
  const fd = openPath(path)
  const stats = fstatSync(fd)
  // A socket of another user has another owner; a hard link to another socket of ours has more than one link.
  const isOurs = stats.uid === process.geteuid?.() && stats.nlink === 1
  if (stats.isSocket()) return { fd, isCertain: isOurs }
  closeSync(fd)
  throw new Error(notTheSocket(path))
}

export function notTheSocket(path: string): string {
  return `${path} is not the socket that was bound there: another user can write to its folder`
}

/**
 * Opens a file as an O_PATH descriptor, which the caller closes; does not follow a symbolic link. Throws if it is
 * missing.
 */
export function openPath(path: string): number {
  return openAt(AT_FDCWD, path, O_PATH | constants.O_NOFOLLOW)
}

/** chown(2) by descriptor, which may be O_PATH; -1 keeps the user or the group. */
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

/**
 * Removes a name if it still refers to that file. The folder is looked up once, so that it cannot be swapped
 * meanwhile.
 */
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
    // No call removes a file by descriptor: a swap between this check and unlinkat(2) is still possible.
    const isSame = found.device === wanted.device && found.inode === wanted.inode
    if (isSame) unlinkat(folder, name, 0)
  } finally {
    closeSync(folder)
  }
}

/** openat(2). Throws with the path and the text of errno. */
function openAt(folder: number, path: string, flags: number): number {
  const openat = nativeFunction<(folder: number, path: string, flags: number) => number>(
    'int openat(int folder, const char *path, int flags)',
  )
  const errno = lastErrno()
  const fd = openat(folder, path, flags | O_CLOEXEC)
  if (fd < 0) throw new Error(`${path}: ${errorText(errno[0] as number)}`)
  return fd
}
