/** The user and groups of clients of Unix sockets (SO_PEERCRED, SO_PEERGROUPS, unix(7)). */
import type { Fd, Outcome } from './calls.js'
import { AF_UNIX, SO_PEERCRED, SO_PEERGROUPS, SOL_SOCKET } from './constants.js'
import { nativeFunction, type Pointer } from './ffi.js'
import { mapPrivate } from './memory.js'
import { lastErrno } from './native-errno.js'
import type { Region } from './region.js'

/**
 * Clients of Unix sockets are usually unnamed. The bytes after the family, which hold the address of IP clients, hold
 * instead: a flag that credentials are known, then struct ucred (unix(7)): process, user, group.
 */
const MARK_AT = 2
const UCRED_AT = 4
const UCRED_BYTES = 12

/** Bytes of a client's socket address with credentials. */
export const UNIX_PEER_BYTES = UCRED_AT + UCRED_BYTES

/** NGROUPS_MAX (linux/limits.h): the maximum number of groups of a process. */
const GROUPS_MAX = 65_536
const GROUP_BYTES = 4

/**
 * Credentials of the process that connected, at that time; the descriptor may since have been passed to another one.
 */
export interface Credentials {
  readonly user: number
  readonly group: number
}

/** No call throws or blocks. */
export interface PeerCalls {
  /**
   * SO_PEERCRED: stores family and credentials in `peer`. On failure only the family, and returns a negated errno.
   */
  findCredentials(fd: Fd, peer: Region): Outcome
  /** SO_PEERGROUPS: stores the supplementary groups in `groups` and returns their number. */
  findGroups(fd: Fd): Outcome
  readonly groups: Uint32Array
}

type GetOption = (fd: Fd, level: number, name: number, value: Pointer, length: Pointer) => number

/** Must be called on the thread that uses the functions. */
export function peerCalls(): PeerCalls {
  const errno = lastErrno()
  const getsockopt = nativeFunction<GetOption>(
    'int getsockopt(int fd, int level, int name, uintptr_t value, uintptr_t length)',
  )
  const lengthRegion = mapPrivate(4)
  const length = new Uint32Array(lengthRegion.bytes.buffer, 0, 1)
  // Pages take no memory until they are written.
  const groupRegion = mapPrivate(GROUPS_MAX * GROUP_BYTES)
  const read = (fd: Fd, name: number, into: Pointer, byteCount: number): Outcome => {
    length[0] = byteCount
    const result = getsockopt(fd, SOL_SOCKET, name, into, lengthRegion.pointer)
    return result < 0 ? -(errno[0] as number) : (length[0] as number)
  }
  return {
    findCredentials(fd, peer) {
      const outcome = read(fd, SO_PEERCRED, peer.at(UCRED_AT), UCRED_BYTES)
      peer.bytes[0] = AF_UNIX
      peer.bytes[1] = 0
      peer.bytes[MARK_AT] = outcome === UCRED_BYTES ? 1 : 0
      return outcome
    },
    findGroups(fd) {
      const outcome = read(fd, SO_PEERGROUPS, groupRegion.pointer, groupRegion.byteLength)
      return outcome < 0 ? outcome : outcome / GROUP_BYTES
    },
    groups: new Uint32Array(groupRegion.bytes.buffer, 0, GROUPS_MAX),
  }
}

/** The credentials that `findCredentials` stored; undefined if it failed or was not called, or for an IP client. */
export function credentialsIn(peer: Uint8Array): Credentials | undefined {
  if (peer[0] !== AF_UNIX || peer[MARK_AT] !== 1) return undefined
  const view = new DataView(peer.buffer, peer.byteOffset, peer.byteLength)
  return { user: view.getUint32(UCRED_AT + 4, true), group: view.getUint32(UCRED_AT + 8, true) }
}
