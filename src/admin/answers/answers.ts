/** The function of each operation: reads the head, or changes it. */
import type { RunningHead } from '../../control/head.js'
import type { AnswerOf, ParametersOf } from '../operations/operation.js'
import type { OperationName, Operations } from '../operations/operations.js'
import { certificatesNow } from './certificates-now.js'
import { setAdminState, setWeight } from './change-remotes.js'
import { healthOf } from './health-of.js'
import { listenersNow } from './listeners-now.js'
import { poolsNow } from './pools-now.js'
import { reloadNow } from './reload-now.js'
import { remotesNow } from './remotes-now.js'
import { statusNow } from './status-now.js'

/** May throw `Refused`. */
export type Answer<Name extends OperationName> = (
  head: RunningHead,
  parameters: ParametersOf<Operations[Name]>,
) => AnswerOf<Operations[Name]> | Promise<AnswerOf<Operations[Name]>>

type Answers = { readonly [Name in OperationName]: Answer<Name> }

export const ANSWERS: Answers = {
  status: statusNow,
  listeners: listenersNow,
  pools: poolsNow,
  remotes: remotesNow,
  health: healthOf,
  certificates: (head) => ({ certificates: certificatesNow(head) }),
  drain: (head, { name }) => setAdminState(head, name, 'drain'),
  maint: (head, { name }) => setAdminState(head, name, 'maint'),
  ready: (head, { name }) => setAdminState(head, name, 'ready'),
  weight: (head, { name, weight }) => setWeight(head, name, weight),
  reload: reloadNow,
  stop: (head) => {
    head.stop()
    return { sessions: head.load.connections }
  },
}
