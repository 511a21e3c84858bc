/** The limits of sessions in a plan, by their places in the cells. */
import { listenerPlace, NO_LIMIT, poolPlace, queuePlace, type Shape } from '../../cells/layout.js'
import type { Plan } from '../../engine/plan.js'

/** Places of other generations are left out. */
export function limitsOf(
  { listeners, pools, remotes }: Plan,
  shape: Shape,
): readonly (readonly [place: number, max: number])[] {
  const own = remotes.flatMap(({ maxConnections, name }, slot) =>
    name === '' ? [] : [[slot, maxConnections] as const],
  )
  const limits = [
    ...own,
    ...listeners.map(
      ({ countersSlot, maxConnections }) => [listenerPlace(shape, countersSlot), maxConnections] as const,
    ),
    ...pools.flatMap(({ maxConnections, queueSize, slot }) => [
      [poolPlace(shape, slot), maxConnections] as const,
      [queuePlace(shape, slot), queueSize] as const,
    ]),
  ]
  return limits.map(([place, max]) => [place, Math.min(max, NO_LIMIT)])
}
