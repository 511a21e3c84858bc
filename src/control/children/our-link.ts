/** The link between a master and a child of ours, for either end. */
import { EVERYBODY } from '../../admission/access-list.js'
import type { Shape } from '../../cells/layout.js'
import type { LimitMemory } from '../../cells/limit-memory.js'
import type { StickyShare } from '../../cells/sticky-table.js'
import type { LiveState, StateChange } from '../../engine/live-state.js'
import type { Plan } from '../../engine/plan.js'
import type { HostAnswer } from '../../relay/host-answer.js'
import type { Link } from '../../services/link.js'
import type { HandedListener, ToChild, ToMaster } from '../../services/link-messages.js'

/** What a child starts with: it reads no file and parses nothing. */
export interface ChildStart {
  readonly plan: Plan
  readonly live: LiveState
  /** Its own, in the cells. */
  readonly slot: number
  readonly shape: Shape
  /** By pool, with the child's descriptors. */
  readonly sticky: readonly (StickyShare | undefined)[]
  /** With the child's descriptors. */
  readonly limits: LimitMemory
  /** Mask of TRACE_BITS. */
  readonly traceMask: number
  /** The listeners that it accepts from by itself; undefined: clients come over the wire. */
  readonly listeners: readonly HandedListener[] | undefined
}

export type ToOurChild = ToChild<ChildStart, StateChange, HostAnswer>
export type Start = Extract<ToOurChild, { kind: 'start' }>

export type ChildLink = Link<ToOurChild, ToMaster>
export type MasterLink = Link<ToMaster, ToOurChild>

/**
 * The start of children whose clients the master has accepted: it has evaluated the access rules, which may be long. Rules
 * about clients that PROXY headers name are evaluated by the child, which reads the headers.
 */
export function startBehindMaster({
  live,
  plan,
}: Pick<ChildStart, 'live' | 'plan'>): Pick<ChildStart, 'live' | 'plan'> {
  if (readsProxyHeaders(plan)) return { live, plan }
  return {
    plan: { ...plan, admission: { accessTable: EVERYBODY, identityRules: [] } },
    live: { ...live, accessTable: undefined },
  }
}

/** Whether clients of any listener are named by a header. */
export function readsProxyHeaders({ listeners }: Pick<Plan, 'listeners'>): boolean {
  return listeners.some(({ proxy }) => proxy !== undefined)
}
