import { closeSync, fstatSync } from 'node:fs'
import type { Calls } from '../kernel/calls.js'
import { AF_UNIX, SOCK_STREAM } from '../kernel/constants.js'
import { ECONNREFUSED } from '../kernel/errno.js'
import { unmap } from '../kernel/memory.js'
import {
  changeOwner,
  type FileIdentity,
  identityOf,
  notTheSocket,
  openPath,
  openSocketFile,
  removeIfSame,
} from '../kernel/path-handle.js'
import { nativeAddress } from '../kernel/sockaddr.js'

/** Who may connect to a Unix socket; undefined leaves what the process' umask and user make of it. */
export interface SocketAccess {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** The file of a socket that this process listens on. */
export interface SocketFile {
  readonly path: string
  readonly identity: FileIdentity
}

/** Removes a socket file that nobody listens on any more. False when it is in use or no socket. */
export function removeStaleSocket(calls: Calls, path: string): boolean {
  const fd = openPath(path)
  try {
    if (!fstatSync(fd).isSocket() || !isRefusing(calls, path)) return false
    removeIfSame(path, identityOf(fd))
    return true
  } finally {
    closeSync(fd)
  }
}

/**
 * Binds a socket whose file has this mode from its first moment. The umask is the process's: `bind` must not wait. What a
 * path leads to can change between two calls, so the mode is never set by chmod(2).
 */
export function withMode<T>({ mode }: SocketAccess, bind: () => T): T {
  if (mode === undefined) return bind()
  const before = process.umask(~mode & 0o777)
  try {
    return bind()
  } finally {
    process.umask(before)
  }
}

/** Sets the owner of the file of a socket that was bound just now, and says which file it is. Throws what the system says. */
export function ownSocketFile(socketFd: number, path: string, { gid, uid }: SocketAccess): SocketFile {
  const { fd, isCertain } = openSocketFile(socketFd, path)
  try {
    const file = { path, identity: identityOf(fd) }
    if (uid === undefined && gid === undefined) return file
    if (!isCertain) throw new Error(notTheSocket(path))
    try {
      changeOwner(fd, uid ?? -1, gid ?? -1)
      return file
    } catch (error) {
      removeSocketFile(file)
      throw error
    }
  } finally {
    closeSync(fd)
  }
}

/** Removes the file, unless another process has put its own in its place by now. */
export function removeSocketFile({ identity, path }: SocketFile): void {
  try {
    removeIfSame(path, identity)
  } catch {
    // Gone, or in a folder that may not be written: the next start finds a dead socket and says so.
  }
}

function isRefusing(calls: Calls, path: string): boolean {
  const fd = calls.socket(AF_UNIX, SOCK_STREAM, 0)
  if (fd < 0) return false
  const address = nativeAddress({ family: 'unix', path })
  const outcome = calls.connect(fd, address.region, address.byteLength)
  unmap(address.region)
  calls.close(fd)
  return outcome === -ECONNREFUSED
}
