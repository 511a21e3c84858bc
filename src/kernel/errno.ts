/** Error numbers of Linux that the program handles, and their texts. */

// asm-generic/errno-base.h and errno.h, identical on x86-64 and arm64; see errno(3).
export const EPERM = 1
export const ENOENT = 2
export const EINTR = 4
export const EBADF = 9
export const EAGAIN = 11
export const ENOMEM = 12
export const EACCES = 13
export const EEXIST = 17
export const ENODEV = 19
export const EINVAL = 22
export const ENFILE = 23
export const EMFILE = 24
export const ENOSPC = 28
export const EPIPE = 32
export const ENOSYS = 38
export const EPROTO = 71
export const EBADMSG = 74
export const ENOPROTOOPT = 92
export const EPROTONOSUPPORT = 93
export const EOPNOTSUPP = 95
export const EAFNOSUPPORT = 97
export const EADDRINUSE = 98
export const EADDRNOTAVAIL = 99
export const ENETUNREACH = 101
export const ECONNABORTED = 103
export const ECONNRESET = 104
export const ENOBUFS = 105
export const ENOTCONN = 107
export const ESHUTDOWN = 108
export const ETOOMANYREFS = 109
export const ETIMEDOUT = 110
export const ECONNREFUSED = 111
export const EHOSTUNREACH = 113
export const EINPROGRESS = 115

// Own texts, because those of strerror(3) depend on the locale and on the C library.
const TEXTS: Readonly<Record<number, string>> = {
  [EPERM]: 'operation not permitted',
  [ENOENT]: 'no such file or directory',
  [EBADF]: 'bad file descriptor',
  [EAGAIN]: 'resource temporarily unavailable',
  [ENOMEM]: 'out of memory',
  [EACCES]: 'permission denied',
  [EEXIST]: 'file exists',
  [ENODEV]: 'no such device',
  [EINVAL]: 'invalid argument',
  [ENFILE]: 'too many open files in system',
  [EMFILE]: 'too many open files',
  [ENOSPC]: 'no space left on device',
  [ENOSYS]: 'function not implemented',
  [EPIPE]: 'broken pipe',
  [EBADMSG]: 'bad message',
  [ENOPROTOOPT]: 'protocol not available',
  [EPROTONOSUPPORT]: 'protocol not supported',
  [EOPNOTSUPP]: 'operation not supported',
  [EAFNOSUPPORT]: 'address family not supported',
  [EADDRINUSE]: 'address already in use',
  [EADDRNOTAVAIL]: 'address not available',
  [ENETUNREACH]: 'network is unreachable',
  [ECONNABORTED]: 'connection aborted',
  [ECONNRESET]: 'connection reset by peer',
  [ENOBUFS]: 'no buffer space available',
  [ENOTCONN]: 'not connected',
  [ESHUTDOWN]: 'cannot send after transport endpoint shutdown',
  [ETOOMANYREFS]: 'too many descriptors in flight',
  [ETIMEDOUT]: 'connection timed out',
  [ECONNREFUSED]: 'connection refused',
  [EHOSTUNREACH]: 'no route to host',
}

/** The text of an error number (positive), as in strerror(3) but in lower case. */
export function errorText(errno: number): string {
  return TEXTS[errno] ?? `error ${errno}`
}

/** Whether this process or machine is out of descriptors, memory or space: never the fault of a remote. */
export function isOwnShortage(errno: number): boolean {
  return errno === EMFILE || errno === ENFILE || errno === ENOBUFS || errno === ENOMEM || errno === ENOSPC
}

/**
 * Whether connect(2) failed for a local reason: address not available, family not supported, no port left, no such
 * interface, or a full backlog of a Unix server. Another remote may work, and this one is not marked as failed.
 */
export function isLocalRefusal(errno: number): boolean {
  return errno === EADDRNOTAVAIL || errno === EAFNOSUPPORT || errno === EAGAIN || errno === ENODEV
}
