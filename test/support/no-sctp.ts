/** The SCTP calls of fake kernels without SCTP. */
import type { SctpCalls } from '../../src/kernel/sctp.js'

export const NO_SCTP: SctpCalls = {
  receive: refuse,
  send: refuse,
  setUp: refuse,
  bindMore: refuse,
  connectAll: refuse,
  unsentBytes: refuse,
}

function refuse(): never {
  throw new Error('the fake kernel does not support SCTP')
}
