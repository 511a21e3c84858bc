/**
 * The table of operations, from which the HTTP API, OpenAPI, `tcprelayctl` with its help and completion, and the reference
 * page are made. The functions that answer are in `answers/answers.ts`; the compiler requires one for each name.
 */
import {
  certificatesAnswer,
  changedAnswer,
  healthAnswer,
  listenersAnswer,
  poolsAnswer,
  reloadAnswer,
  remotesAnswer,
  statusAnswer,
  stopAnswer,
} from './answers.js'
import { change, type Operation, read } from './operation.js'
import { amount, optional, text } from './schema.js'

const REMOTE =
  'Name of a remote: the remote in every pool that has it. `POOL/NAME`: the one in this pool; those of the pool `default` are ' +
  '`default/NAME`.'

export const OPERATIONS = {
  status: read('The process, its configuration, its children, and sums since its start.', statusAnswer),
  listeners: read('Listeners with their sessions and counters.', listenersAnswer),
  pools: read('Pools with their sessions and waiting clients.', poolsAnswer),
  remotes: read('Remotes with state, health, weight, sessions and counters.', remotesAnswer),
  health: read('History of the health of a remote.', healthAnswer, { name: text(REMOTE) }),
  certificates: read('Certificates that listeners present, with their expiry.', certificatesAnswer),
  drain: change(
    'Gives a remote no new clients, except those that a sticky pool knows. Its sessions go on, at most for `drain deadline`.',
    'operate',
    changedAnswer,
    { name: text(REMOTE) },
  ),
  maint: change(
    'Takes a remote out of service: no new clients at all. Its sessions go on, at most for `drain deadline`.',
    'operate',
    changedAnswer,
    { name: text(REMOTE) },
  ),
  ready: change('Gives a remote clients again, after `drain` or `maint`.', 'operate', changedAnswer, {
    name: text(REMOTE),
  }),
  weight: change(
    'Sets the weight of a remote until the configuration has another one for it.',
    'operate',
    changedAnswer,
    {
      name: text(REMOTE),
      weight: optional(amount('The weight; 0: no new clients. Without it, that of the configuration.')),
    },
  ),
  reload: change('Reads the configuration again, as SIGHUP does.', 'admin', reloadAnswer),
  stop: change(
    'Ends the relay as SIGTERM does: sessions may finish for the grace period. A second time it ends them at once.',
    'admin',
    stopAnswer,
  ),
} as const

export type Operations = typeof OPERATIONS
export type OperationName = keyof Operations

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[]

export function operationOf(name: string): Operation | undefined {
  return Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name as OperationName] : undefined
}
