import type { SctpCalls } from '../../src/kernel/sctp.js'

/** For kernels that a test or a benchmark plays, and that have no SCTP. */
export const NO_SCTP: SctpCalls = {
  receive: refuse,
  send: refuse,
  setUp: refuse,
  bindMore: refuse,
  connectAll: refuse,
  unsentBytes: refuse,
}

function refuse(): never {
  throw new Error('this kernel has no SCTP')
}
