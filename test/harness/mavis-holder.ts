/** A program that starts two helpers, prints their pids and then does nothing. */
import { External } from '../../src/mavis/external.js'
import { Boundary } from '../../src/observe/boundary.js'
import { externalSettings } from './mavis-helper.js'

/** A process with two helpers that prints their ids and then does nothing. */
const external = new External(externalSettings('sh', ['answers'], { childrenMin: 2 }), {
  say: (_, text) => console.error(text),
  boundary: new Boundary(
    (_, text) => console.error(text),
    () => performance.now(),
  ),
  nowMs: () => performance.now(),
  timeoutMs: 10_000,
})
console.log(`helpers ${external.pids.join(' ')}`)
