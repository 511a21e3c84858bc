/** Connections that fit into select(2) in one process, with some to spare; 16 is its number. */
const SELECT_MAX = 400
const isSelect = process.env.IO_POLL_MECHANISM === '16'

/** That many connections, or as many as one process can have with the mechanism that the tests run with. */
export function fittingCount(wanted: number): number {
  return isSelect ? Math.min(wanted, SELECT_MAX) : wanted
}
