/** How many children there are, and how connections are spread over them. */
export interface PlacementLimits {
  readonly instancesMin: number
  readonly instancesMax: number
  /** Connections that a child gets before another one is preferred. */
  readonly usersMin: number
  /** Connections that a child may have at once. */
  readonly usersMax: number
}

/** A child as placement sees it. */
export interface Candidate {
  readonly users: number
  /** Connections that it can take by its own word; Infinity until it has said. */
  readonly ownMax: number
  /** Takes no more: it retires, or its configuration is an old one. */
  readonly isRetiring: boolean
}

/** Another child is wanted, and gets this connection. */
export const NEW_CHILD = -1
/** All children are full, and there may be no more. */
export const ALL_FULL = -2

/**
 * Which child gets a connection, as the original's documentation says: one below `usersMin`, of the first
 * `instancesMin` before the others; else a new child, if there may be one; else the least used one that has room.
 * Of equals the first. Answers the index of the child in `children`, NEW_CHILD or ALL_FULL.
 */
export function place(children: readonly Candidate[], limits: PlacementLimits): number {
  let serving = 0
  let best = ALL_FULL
  let bestRank = Number.POSITIVE_INFINITY
  for (let index = 0; index < children.length; index++) {
    const child = children[index] as Candidate
    if (child.isRetiring) continue
    serving++
    if (!hasRoom(child, limits)) continue
    const rank = rankOf(child, serving, limits)
    const isBetter =
      rank < bestRank || (rank === bestRank && child.users < (children[best] as Candidate).users)
    if (!isBetter) continue
    best = index
    bestRank = rank
  }
  return bestRank === LEAST_USED_RANK || best === ALL_FULL
    ? serving < limits.instancesMax
      ? NEW_CHILD
      : best
    : best
}

export function hasRoom(child: Candidate, { usersMax }: PlacementLimits): boolean {
  return !child.isRetiring && child.users < Math.min(usersMax, child.ownMax)
}

const LEAST_USED_RANK = 2

/** `place` counts the children that serve from 1. */
function rankOf({ users }: Candidate, place: number, { instancesMin, usersMin }: PlacementLimits): number {
  if (users >= usersMin) return LEAST_USED_RANK
  return place <= instancesMin ? 0 : 1
}
