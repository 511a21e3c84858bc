/** Plain TCP, and Multipath TCP, which behaves like it. */
import type { Transport } from './transport.js'

/** A short read drains the socket, except at urgent data and errors: `noteShortRead` in pump.ts. */
export const TCP: Transport = {
  name: 'tcp',
  shortReadDrains: true,
  hasHalfClose: true,
  canSplice: true,
  hasReset: true,
  keepsMessages: false,
  isTcp: true,
  canFreeze: true,
  receive: ({ fd }, calls, into, bytesMax) => calls.recv(fd, into, 0, bytesMax),
  send: ({ fd }, calls, from, offset, byteCount) => calls.send(fd, from, offset, byteCount),
  sendLast: ({ fd }, calls, from, offset, byteCount) => calls.sendMore(fd, from, offset, byteCount),
  sendEnd: () => 0,
  unsentBytes: (calls, fd) => calls.unsentBytes(fd),
}
