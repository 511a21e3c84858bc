/** How many connections of rejected clients a process may hold (`action = tarpit`). */
import type { LimitPlan } from './limit-plan.js'

/** A share of the descriptors, because sessions need most of them. */
const DESCRIPTORS_PER_HELD = 4

export function heldDescriptorsMax(
  limits: readonly Pick<LimitPlan, 'action' | 'heldMax'>[],
  descriptors: number,
): number {
  const wanted = limits.reduce((sum, { action, heldMax }) => sum + (action === 'tarpit' ? heldMax : 0), 0)
  return Math.min(wanted, Math.floor(descriptors / DESCRIPTORS_PER_HELD))
}
