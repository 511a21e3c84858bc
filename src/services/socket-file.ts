/** The files of listening Unix sockets: their mode, owner and removal. */
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

/** Mode and owner of a socket's file; undefined keeps what the process's umask and user give. */
export interface SocketAccess {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** The file of a listening socket of this process. */
export interface SocketFile {
  readonly path: string
  readonly identity: FileIdentity
}

/** Removes a socket file without a listener. False when it is in use or is not a socket. */
export function removeStaleSocket(calls: Calls, path: string): boolean {
  const fd = openPath(path)
  try {
    // Only a socket that rejects connections is stale: its process has ended, or has closed it.
    if (!fstatSync(fd).isSocket() || !isRefusing(calls, path)) return false
    removeIfSame(path, identityOf(fd))
    return true
  } finally {
    closeSync(fd)
  }
}

/**
 * Binds a socket whose file has the mode from the start, by the umask: with chmod(2) afterwards, the path could be
 * replaced in between. The umask is process-wide, so `bind` must be synchronous.
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

/** Sets the owner of a newly bound socket's file and returns the file's identity. Throws the system's error. */
export function ownSocketFile(socketFd: number, path: string, { gid, uid }: SocketAccess): SocketFile {
  const { fd, isCertain } = openSocketFile(socketFd, path)
  try {
    const file = { path, identity: identityOf(fd) }
    if (uid === undefined && gid === undefined) return file
    // Giving a file that somebody has placed there to another user would be a privilege escalation.
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

/** Removes the file, unless another process has replaced it. */
export function removeSocketFile({ identity, path }: SocketFile): void {
  try {
    removeIfSame(path, identity)
  } catch {
    // Already removed, or its directory is not writable: the next start removes or reports the stale socket.
  }
}

/** connect(2) to a socket file without a listener fails with ECONNREFUSED (unix(7)). */
function isRefusing(calls: Calls, path: string): boolean {
  const fd = calls.socket(AF_UNIX, SOCK_STREAM, 0)
  if (fd < 0) return false
  const address = nativeAddress({ family: 'unix', path })
  const outcome = calls.connect(fd, address.region, address.byteLength)
  unmap(address.region)
  calls.close(fd)
  return outcome === -ECONNREFUSED
}
