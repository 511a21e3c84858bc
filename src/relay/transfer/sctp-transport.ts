/**
 * One-to-one SCTP (RFC 6458). A read brings one message, and an association ends both ways at once. Between two such
 * sockets `messages.ts` moves messages; the calls here are for a session whose other side is a stream.
 */
import type { Transport } from './transport.js'

export const SCTP: Transport = {
  name: 'sctp',
  shortReadDrains: false,
  hasHalfClose: false,
  canSplice: false,
  hasReset: true,
  keepsMessages: true,
  isTcp: false,
  // Frozen sessions have no fields for held messages and SCTP ends.
  canFreeze: false,
  receive(source, calls, into, bytesMax) {
    const got = calls.recv(source.fd, into, 0, bytesMax)
    if (got > 0) source.mayRead = true
    return got
  },
  send: ({ fd }, calls, from, offset, byteCount) => calls.send(fd, from, offset, byteCount),
  sendLast: ({ fd }, calls, from, offset, byteCount) => calls.send(fd, from, offset, byteCount),
  sendEnd: () => 0,
  unsentBytes: (calls, fd) => calls.sctp.unsentBytes(fd),
}
