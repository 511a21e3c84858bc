import { type Network, NetworkSet } from '../base/cidr.js'

/** One line of an access list. */
export interface AccessRule {
  readonly isPermit: boolean
  /** Applies to the clients of all other networks instead. */
  readonly isNegated: boolean
  readonly networks: readonly Network[]
}

interface Step {
  readonly isPermit: boolean
  readonly isNegated: boolean
  readonly set: NetworkSet
}

/**
 * Who may connect: the first rule that applies decides, a list without one rejects, and without rules everybody
 * may. Neighbouring rules of the same kind are one look-up, so that 100,000 of them cost as much as one; that
 * changes no answer, because either of them would give the same.
 */
export class AccessList {
  readonly #steps: readonly Step[]

  constructor(rules: readonly AccessRule[]) {
    const steps: Step[] = []
    for (const { isNegated, isPermit, networks } of rules) {
      const last = steps.at(-1)
      const joins = last !== undefined && !isNegated && !last.isNegated && last.isPermit === isPermit
      const step = joins ? last : { isPermit, isNegated, set: new NetworkSet() }
      if (!joins) steps.push(step)
      for (const network of networks) step.set.add(network)
    }
    this.#steps = steps
  }

  /** `address`: the 4 or 16 bytes of the client's address. */
  admits(address: Uint8Array): boolean {
    for (const { isNegated, isPermit, set } of this.#steps) {
      if (set.has(address) !== isNegated) return isPermit
    }
    return this.#steps.length === 0
  }
}
