/**
 * The table of operations, from which the HTTP API, OpenAPI, `tcprelayctl` with its help and completion, and the reference
 * page are made. The functions that answer are in `answers/answers.ts`; the compiler requires one for each name.
 */
import { healthAnswer, listenersAnswer, poolsAnswer, remotesAnswer, statusAnswer } from './answers.js'
import { type Operation, read } from './operation.js'
import { text } from './schema.js'

const REMOTE =
  'Name of a remote: the remote in every pool that has it. `POOL/NAME`: the one in this pool; those of the pool `default` are ' +
  '`default/NAME`.'

export const OPERATIONS = {
  status: read('The process, its configuration, its children, and sums since its start.', statusAnswer),
  listeners: read('Listeners with their sessions and counters.', listenersAnswer),
  pools: read('Pools with their sessions and waiting clients.', poolsAnswer),
  remotes: read('Remotes with state, health, weight, sessions and counters.', remotesAnswer),
  health: read('History of the health of a remote.', healthAnswer, { name: text(REMOTE) }),
} as const

export type Operations = typeof OPERATIONS
export type OperationName = keyof Operations

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[]

export function operationOf(name: string): Operation | undefined {
  return Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name as OperationName] : undefined
}
