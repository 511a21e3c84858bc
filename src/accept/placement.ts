/** Placement: which child gets a connection, and when another one is started. Pure. */
/** How many children there are, and how connections are spread over them. */
export interface PlacementLimits {
  readonly instancesMin: number
  readonly instancesMax: number
  /** Connections that a child gets before another one is preferred. */
  readonly usersMin: number
  /** Connections that a child may have at once. */
  readonly usersMax: number
}

/** What placement reads of a child. */
export interface Candidate {
  readonly users: number
  /** The child's own maximum of connections (MAX); Infinity until it has sent it. */
  readonly ownMax: number
  /** Gets no more connections: it retires, or belongs to an old configuration. */
  readonly isRetiring: boolean
}

/** Start another child for this connection. */
export const NEW_CHILD = -1
/** All children are full and no more may be started. */
export const ALL_FULL = -2

/**
 * Chooses the child for a connection, by the rules of the original's documentation: a child with fewer than
 * `usersMin` connections, the first `instancesMin` children first; else a new child, if one may be started; else the
 * least used child that has room. Ties go to the first. Returns an index in `children`, NEW_CHILD or ALL_FULL.
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

/** `place`: the position among the children that are not retiring, from 1. */
function rankOf({ users }: Candidate, place: number, { instancesMin, usersMin }: PlacementLimits): number {
  if (users >= usersMin) return LEAST_USED_RANK
  return place <= instancesMin ? 0 : 1
}
