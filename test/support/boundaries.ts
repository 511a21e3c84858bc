/** Exception boundaries for tests. */
import { Boundary } from '../../src/observe/boundary.js'

/** For tests in which no handler may throw: an exception fails the test file as an unhandled rejection. */
export const STRICT = new Boundary(
  (_, text) => void Promise.reject(new Error(text)),
  () => performance.now(),
)

/** For tests in which a handler throws: records what is logged. */
export function countingBoundary(): { readonly boundary: Boundary; readonly logged: string[] } {
  const logged: string[] = []
  return {
    boundary: new Boundary(
      (_, text) => void logged.push(text),
      () => 0,
    ),
    logged,
  }
}
