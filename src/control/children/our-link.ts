/** The link between a master and a child of ours, for either end. */
import { type AccessPlan, NO_RULES } from '../../admission/rule-list-plan.js'
import type { Shape } from '../../cells/layout.js'
import type { LimitMemory } from '../../cells/limit-memory.js'
import type { StickyShare } from '../../cells/sticky-table.js'
import type { LiveState, StateChange } from '../../engine/live-state.js'
import type { Plan } from '../../engine/plan.js'
import { listsBehindMaster } from '../../plan/compile/admission-plan.js'
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

/** The start of children whose clients the master has accepted: with the access rules that they evaluate themselves. */
export function startBehindMaster({
  live,
  plan,
}: Pick<ChildStart, 'live' | 'plan'>): Pick<ChildStart, 'live' | 'plan'> {
  const access = live.access && listsBehindMaster(live.access, plan)
  return { plan: { ...plan, access: listsBehindMaster(plan.access, plan) }, live: { ...live, access } }
}

/** What such children get of changed access rules; undefined: they evaluate none. */
export function changeBehindMaster(
  plan: Pick<Plan, 'listeners'>,
  changed: AccessPlan,
): StateChange | undefined {
  const access = listsBehindMaster(changed, plan)
  return isEmpty(access) ? undefined : { what: 'access', access }
}

function isEmpty({ listeners, routes, section }: AccessPlan): boolean {
  return section === NO_RULES && listeners.size === 0 && routes.size === 0
}
