/** Why something of Node failed, in the words that the log has elsewhere. */

import { errorText } from '../kernel/errno.js'
import { cut, printable } from '../observe/log.js'

const BYTES_MAX = 200
const ERRNO_MAX = 1_000

/** Texts of errors that have no number of Linux. */
const TEXTS: Readonly<Record<string, string>> = {
  ECONNRESET: 'it closed the connection before the end of its answer',
  ENOTFOUND: 'the host name does not exist',
  EAI_AGAIN: 'no name server answers for the host name',
}

type NodeError = NodeJS.ErrnoException & {
  /** One for each address that was tried. */
  readonly errors?: readonly NodeJS.ErrnoException[]
  /** OpenSSL's, or that of the HTTP parser. */
  readonly reason?: string
}

export function errorReason(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code = '', errno = 0, message, reason } = ((error as NodeError).errors?.[0] ?? error) as NodeError
  const openssl = /SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? reason
  const other = printable(cut(openssl ?? message, BYTES_MAX))
  if (code.startsWith('HPE_')) return `bad HTTP response: ${other}`
  if (openssl !== undefined) return `TLS failed: ${other}`
  // Errors of name lookups have numbers of their own, below those of Linux.
  if (errno < 0 && errno > -ERRNO_MAX) return errorText(-errno)
  return TEXTS[code] ?? other
}
