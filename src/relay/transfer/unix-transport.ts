/**
 * A stream of the Unix domain. recv(2) stops behind a write that carried descriptors and at urgent data (unix(7)),
 * although more bytes are queued; each write fills a slot of a pipe; and there is no reset: the peer sees an end.
 */
import type { Transport } from './transport.js'

export const UNIX: Transport = {
  name: 'unix',
  shortReadDrains: false,
  hasHalfClose: true,
  canSplice: false,
  hasReset: false,
  keepsMessages: false,
  isTcp: false,
  canFreeze: true,
  receive(source, calls, into, bytesMax) {
    const got = calls.recv(source.fd, into, 0, bytesMax)
    if (got > 0) source.mayRead = true
    return got
  },
  send: ({ fd }, calls, from, offset, byteCount) => calls.send(fd, from, offset, byteCount),
  sendLast: ({ fd }, calls, from, offset, byteCount) => calls.send(fd, from, offset, byteCount),
  sendEnd: () => 0,
  unsentBytes: (calls, fd) => calls.unsentBytes(fd),
}
