import { chmodSync, chownSync, lstatSync, unlinkSync } from 'node:fs'
import type { Calls } from '../kernel/calls.js'
import { AF_UNIX, SOCK_STREAM } from '../kernel/constants.js'
import { ECONNREFUSED } from '../kernel/errno.js'
import { unmap } from '../kernel/memory.js'
import { nativeAddress } from '../kernel/sockaddr.js'

/** Who may connect to a Unix socket; undefined leaves what the process' umask and user make of it. */
export interface SocketAccess {
  readonly mode: number | undefined
  readonly uid: number | undefined
  readonly gid: number | undefined
}

/** Removes a socket file that nobody listens on any more. False when it is in use or no socket. */
export function removeStaleSocket(calls: Calls, path: string): boolean {
  if (!isSocket(path) || !isRefusing(calls, path)) return false
  unlinkSync(path)
  return true
}

/** Sets mode and owner. Throws what the system says. */
export function setSocketAccess(path: string, { mode, uid, gid }: SocketAccess): void {
  if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? -1, gid ?? -1)
  if (mode !== undefined) chmodSync(path, mode)
}

/** The file of a socket that this process listens on. */
export interface SocketFile {
  readonly path: string
  readonly inode: number
}

/** What to remember of a socket that has just been bound. */
export function socketFile(path: string): SocketFile {
  return { path, inode: lstatSync(path).ino }
}

/** Removes the file, unless another process has put its own in its place by now. */
export function removeSocketFile({ path, inode }: SocketFile): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.ino === inode) unlinkSync(path)
  } catch {
    // A folder that may not be written: the next start finds a dead socket and says so.
  }
}

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === true
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
